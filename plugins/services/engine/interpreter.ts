import { RunError, type Carry, type Precision, type Value, type Values } from 'ockham'
import { versions } from './bundle.js'
import { stepInputs, type Executable, type ExecutableLoop, type Executor } from './executor.js'
import { sizeOf, type Graph, type Node, type Slot } from './graph.js'
import { inverseSpd } from './inverse.js'
import { kernels } from './kernels.js'
import { Machine, type Held } from './machine.js'
import { same } from './signatures/row.js'
import { tf } from './tensor.js'
import { cast, dataOf } from './values.js'

type Warn = (message: string) => void

const ours = new Set(['Input', 'Constant', 'Inverse', 'Host', 'Fill'])

const double = (value: Value): Value => ({ shape: value.shape, dtype: 'float64', data: Float64Array.from(value.data) })

/** A graph ready to run: when each result is read last, and what stays between runs. */
class Code {
  /** Constants and captures, uploaded once. */
  readonly #resident = new Map<Node, Held>()
  /** Nodes that are computed, each with the results that nothing reads after it. */
  readonly #steps: readonly { readonly node: Node; readonly last: readonly Node[] }[]

  constructor(
    readonly graph: Graph,
    readonly machine: Machine,
    readonly warn: Warn,
    readonly timed: ((kind: string, ms: number) => void) | undefined,
  ) {
    for (const node of graph.nodes) {
      const value = node.op === 'Constant' ? node.value : node.source?.kind === 'capture' ? node.source.value : undefined
      if (value) this.#resident.set(node, machine.put(value))
    }
    const computed = graph.nodes.filter((n) => n.op !== 'Input' && n.op !== 'Constant')
    const reader = new Map<Node, Node>()
    for (const node of computed) for (const ref of node.inputs) reader.set(ref.node, node)
    for (const { ref } of graph.outputs) reader.delete(ref.node)
    const ends = new Map<Node, Node[]>()
    for (const [node, last] of reader) if (!this.#resident.has(node)) ends.set(last, [...(ends.get(last) ?? []), node])
    this.#steps = computed.map((node) => ({ node, last: ends.get(node) ?? [] }))
  }

  /** Runs the graph; `inputs` are freed as soon as they are not read any more. Returns fresh host values of the outputs. */
  run(inputs: ReadonlyMap<Node, Held>): Value[] {
    const live = new Map<Node, readonly Held[]>([...inputs].map(([node, held]) => [node, [held]]))
    const at = (node: Node): readonly Held[] => live.get(node) ?? [this.#resident.get(node)!]
    const drop = (node: Node): void => {
      for (const held of live.get(node) ?? []) this.machine.free(held)
      live.delete(node)
    }
    try {
      for (const { node, last } of this.#steps) {
        const given = node.inputs.map((ref) => at(ref.node)[ref.index]!)
        const start = this.timed && performance.now()
        live.set(node, this.#compute(node, given))
        if (start !== undefined) this.timed!(node.op, performance.now() - start)
        for (const done of last) drop(done)
      }
      return this.graph.outputs.map(({ ref }) => this.machine.read(at(ref.node)[ref.index]!))
    } finally {
      for (const node of [...live.keys()]) drop(node)
    }
  }

  #compute(node: Node, inputs: readonly Held[]): Held[] {
    if (node.op === 'Host') return this.#host(node, inputs)
    if (node.op === 'Inverse') {
      const { shape, data } = double(this.machine.read(inputs[0]!))
      const inverse = inverseSpd(data as Float64Array, shape[0]!, this.warn)
      return [this.machine.put({ shape, dtype: 'float32', data: dataOf('float32', inverse) })]
    }
    return this.machine.run(node.op, inputs, node.attrs).map((held, i) => this.#as(held, node.outputs[i]!.dtype))
  }

  /** In the type that the graph says: tfjs sums int32 by segments in float32. */
  #as(held: Held, dtype: Slot['dtype']): Held {
    if (held.info.dtype === dtype) return held
    const [cast] = this.machine.run('Cast', [held], { dtype })
    this.machine.free(held)
    return cast!
  }

  #host(node: Node, inputs: readonly Held[]): Held[] {
    const made = node.host!(...inputs.map((held) => double(this.machine.read(held))))
    const fits =
      made.length === node.outputs.length &&
      made.every((v, i) => same(v.shape, node.outputs[i]!.shape) && v.data.length === sizeOf(v.shape))
    if (!fits) {
      throw new RunError({
        code: 'OCK-ENGINE-017',
        what: `a host call returned ${made.map((v) => `[${v.shape}]`).join(', ') || 'nothing'}, not ${node.outputs.map((o) => `[${o.shape}]`).join(', ')}`,
        where: node.line!,
        remedy: 'return Values of the shapes that engine.host was given',
      })
    }
    return made.map((v) => this.machine.put(cast({ ...v, dtype: v.dtype }, 'float32')))
  }

  dispose(): void {
    for (const held of this.#resident.values()) this.machine.free(held)
    this.#resident.clear()
  }
}

function executable(code: Code): Executable {
  const fed = code.graph.inputs.filter((n) => n.source!.kind !== 'capture')
  return {
    run: async (inputs) => code.run(new Map(fed.map((node, i) => [node, code.machine.put(inputs[i]!)]))),
    dispose: () => code.dispose(),
  }
}

const host = (values: Values): Carry => ({ read: () => Promise.resolve(values) })

/** Long enough to matter for Ctrl-C and progress, in ms. */
const breath = 15

function executableLoop(code: Code): ExecutableLoop {
  const { graph, machine } = code
  const carried = graph.inputs.filter((n) => n.source!.kind === 'carry')
  const stepped = stepInputs(graph)
  const nameOf = (node: Node): string => (node.source as { readonly name: string }).name
  const once = (carry: Values, step: readonly Value[]): { carry: Values; out: Values } => {
    const inputs = new Map<Node, Held>()
    for (const node of carried) inputs.set(node, machine.put(carry[nameOf(node)]!))
    stepped.forEach((node, i) => inputs.set(node, machine.put(step[i]!)))
    const values = code.run(inputs)
    const pick = (prefix: string): Values =>
      Object.fromEntries(graph.outputs.flatMap(({ name }, i) => (name.startsWith(prefix) ? [[name.slice(prefix.length), values[i]!]] : [])))
    return { carry: pick('carry.'), out: pick('out.') }
  }
  return {
    load: host,
    async advance(carry, steps) {
      const outs: Values[] = []
      let state = await carry.read()
      let since = performance.now()
      for (const step of steps) {
        const made = once(state, step)
        state = made.carry
        outs.push(made.out)
        if (performance.now() - since < breath) continue
        await new Promise((go) => setImmediate(go))
        since = performance.now()
      }
      return { carry: host(state), outs }
    },
    tensorsPerCall: graph.inputs.length + graph.outputs.length,
    fused: !graph.nodes.some((n) => n.op === 'Host'),
    dispose: () => code.dispose(),
  }
}

export interface InterpreterOptions {
  /** tfjs' wasm kernels where it has them; default true. */
  readonly wasm?: boolean
  /** Times every kernel: `engine.profile()` then gives a table. */
  readonly profile?: boolean
}

/**
 * Runs graphs with tfjs' own kernels, node by node: the portable executor, and the reference that others are tested on.
 * It computes in float32; regions of `engine.double` too, but for inverses, which are float64 everywhere.
 */
export async function interpreter(options: InterpreterOptions = {}): Promise<Executor & { readonly tensors: () => number }> {
  const wasm = options.wasm ?? true
  const build = { tfjs: versions['tfjs-core']!, provider: wasm ? 'wasm' : 'cpu', threads: 1 }
  return interpreterOn(await Machine.start(wasm), { name: 'interpreter', build }, options)
}

/** The interpreter on a machine, under the name by which an engine is asked for. */
export function interpreterOn(
  machine: Machine,
  { name, build }: Pick<Executor, 'name' | 'build'>,
  options: Pick<InterpreterOptions, 'profile'> = {},
): Executor & { readonly tensors: () => number } {
  const codes = new Set<Code>()
  const times = new Map<string, { calls: number; ms: number }>()
  const timed = (kind: string, ms: number): void => {
    const known = times.get(kind) ?? { calls: 0, ms: 0 }
    times.set(kind, { calls: known.calls + 1, ms: known.ms + ms })
  }
  const code = (graph: Graph, warn: Warn): Code => {
    const made = new Code(graph, machine, warn, options.profile ? timed : undefined)
    codes.add(made)
    return made
  }
  return {
    name,
    build,
    capabilities: new Set(['loop']),
    supports: (op) => ours.has(op) || (Object.hasOwn(kernels, op) && tf.getKernel(op, 'cpu') !== undefined),
    compile: async (graph: Graph, _: Precision) => executable(code(graph, (message) => process.emitWarning(message, 'OckhamWarning'))),
    loop: async (graph: Graph, _: Precision, warn: Warn) => executableLoop(code(graph, warn)),
    ...(options.profile && {
      profile: () => Promise.resolve([...times].map(([kind, t]) => ({ kind, ...t })).sort((a, b) => b.ms - a.ms)),
    }),
    dispose: async () => {
      for (const made of codes) made.dispose()
      codes.clear()
    },
    tensors: () => machine.size,
  }
}
