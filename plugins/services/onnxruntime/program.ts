import { RunError } from 'ockham'
import type { Value } from 'ockham'
import type * as ort from 'onnxruntime-node'
import { sizeOf, slotOf } from '../engine/graph.js'
import type { Graph, Node, Ref } from '../engine/graph.js'
import { inverseSpd } from '../engine/inverse.js'
import { Lowering, checkRows, dataAs, typeOf } from './lower.js'
import type { HostType } from './lower.js'
import { Scope } from './model.js'
import { refKey, segment } from './segments.js'
import type { Segment } from './segments.js'
import { openSession, runSession, tensorOf } from './session.js'
import type { Feeds, Settings } from './session.js'

export type Warn = (message: string) => void
export type Tensors = ReadonlyMap<Node, ort.Tensor>

/** Where inverses are made: inside the graph with a flag of validity, or on the host, with jitter where it needs it. */
export type Inverses = 'inside' | 'host'

interface Piece extends Segment {
  /** None where the segment has nothing to compute. */
  readonly session?: ort.InferenceSession
  /** Names of its outputs: those of `writes`, then the flags of its inverses. */
  readonly names: readonly string[]
}

/** The captures of a graph as tensors, made once and bound by reference at every call. */
export const capturesOf = (graph: Graph): Map<Node, ort.Tensor> =>
  new Map(graph.inputs.flatMap((n) => (n.source?.kind === 'capture' ? [[n, tensorOf(n.source.value, n.source.value.dtype)] as const] : [])))

async function open(part: Segment, settings: Settings): Promise<Piece> {
  if (part.nodes.length === 0) return { ...part, names: [] }
  const scope = new Scope('main')
  const lowering = new Lowering()
  for (const ref of part.reads) lowering.bind(ref, scope.input(refKey(ref), typeOf(ref), slotOf(ref).shape), scope)
  for (const node of part.nodes) lowering.add(node, scope)
  const names = part.writes.map((ref) => scope.output(lowering.as(ref, typeOf(ref), scope), typeOf(ref), slotOf(ref).shape))
  const flags = lowering.flags.map((flag) => scope.output(flag.name, 'bool', []))
  const session = await openSession(scope.model(), settings, part.nodes)
  return { ...part, session, names: [...names, ...flags] }
}

const float64 = (tensor: ort.Tensor): Value => {
  const value = { shape: [...tensor.dims], dtype: tensor.type as HostType, data: tensor.data as Float64Array }
  return { shape: value.shape, dtype: 'float64', data: Float64Array.from(dataAs(value, 'float64') as Float64Array) }
}

const invert =
  (n: number, warn: Warn) =>
  (a: Value): readonly Value[] => [{ shape: [n, n], dtype: 'float64', data: inverseSpd(a.data as Float64Array, n, warn) }]

/** Calls the host code of a node; its results must have the shapes that were promised. */
function callHost(node: Node, inputs: readonly ort.Tensor[], warn: Warn): ort.Tensor[] {
  const fn = node.host ?? invert(node.outputs[0]!.shape[0]!, warn)
  const results = fn(...inputs.map(float64))
  return node.outputs.map((slot, index) => {
    const result = results[index]
    if (!result || result.data.length !== sizeOf(slot.shape)) {
      throw new RunError({
        code: 'OCK-ORT-004',
        what: `result ${index} of a host call has ${result ? `${result.data.length} numbers` : 'no value'}, ${sizeOf(slot.shape)} were promised`,
        ...(node.line === undefined ? {} : { where: node.line }),
        remedy: 'return one Value for each shape, in order',
      })
    }
    return tensorOf({ ...result, shape: slot.shape }, typeOf({ node, index }) as HostType)
  })
}

/** A graph as sessions with the host calls between them. */
export class Program {
  private constructor(
    readonly graph: Graph,
    readonly pieces: readonly Piece[],
    readonly warn: Warn,
  ) {}

  static async open(graph: Graph, inverses: Inverses, settings: Settings, warn: Warn): Promise<Program> {
    checkRows(graph.nodes)
    const isHost = (node: Node): boolean => node.op === 'Host' || (node.op === 'Inverse' && inverses === 'host')
    const pieces: Piece[] = []
    for (const part of segment(graph, isHost)) pieces.push(await open(part, settings))
    return new Program(graph, pieces, warn)
  }

  /** Tensors bound in one run. */
  get tensors(): number {
    return this.pieces.reduce((sum, p) => sum + (p.session ? p.reads.length + p.names.length : 0), 0)
  }

  /** Runs on tensors of all inputs, captures included; `valid` is false where an inverse inside the graph cannot be trusted. */
  async run(inputs: Tensors): Promise<{ outputs: readonly ort.Tensor[]; valid: boolean }> {
    const known = new Map<string, ort.Tensor>()
    const read = (ref: Ref): ort.Tensor => {
      if (ref.node.op === 'Constant') return tensorOf(ref.node.value!, typeOf(ref) as HostType)
      return ref.node.op === 'Input' ? inputs.get(ref.node)! : known.get(refKey(ref))!
    }
    for (const piece of this.pieces) {
      if (piece.session) {
        const feeds: Feeds = Object.fromEntries(piece.reads.map((ref) => [refKey(ref), read(ref)]))
        const results = await runSession(piece.session, feeds, piece.nodes)
        piece.writes.forEach((ref, i) => known.set(refKey(ref), results[piece.names[i]!]!))
        const flags = piece.names.slice(piece.writes.length)
        if (flags.some((name) => results[name]!.data[0] !== 1)) return { outputs: [], valid: false }
      }
      for (const node of piece.hosts) {
        const results = callHost(node, node.inputs.map(read), this.warn)
        results.forEach((tensor, index) => known.set(refKey({ node, index }), tensor))
      }
    }
    return { outputs: this.graph.outputs.map((o) => read(o.ref)), valid: true }
  }

  dispose(): void {
    for (const piece of this.pieces) void piece.session?.release()
  }
}

/** A graph with its inverses on the host, opened when it is first wanted. */
export class CarefulProgram {
  #program: Promise<Program> | undefined

  constructor(
    readonly graph: Graph,
    readonly settings: Settings,
    readonly warn: Warn,
  ) {}

  async run(inputs: Tensors): Promise<readonly ort.Tensor[]> {
    this.#program ??= Program.open(this.graph, 'host', this.settings, this.warn)
    return (await (await this.#program).run(inputs)).outputs
  }

  dispose(): void {
    void this.#program?.then((p) => p.dispose())
  }
}

/** A graph with its inverses inside; a run in which one fails is made again with them on the host. */
export class SafeProgram {
  private constructor(
    readonly program: Program,
    readonly careful: CarefulProgram,
  ) {}

  static async open(graph: Graph, settings: Settings, warn: Warn): Promise<SafeProgram> {
    return new SafeProgram(await Program.open(graph, 'inside', settings, warn), new CarefulProgram(graph, settings, warn))
  }

  get tensors(): number {
    return this.program.tensors
  }

  async run(inputs: Tensors): Promise<readonly ort.Tensor[]> {
    const { outputs, valid } = await this.program.run(inputs)
    return valid ? outputs : this.careful.run(inputs)
  }

  dispose(): void {
    this.program.dispose()
    this.careful.dispose()
  }
}
