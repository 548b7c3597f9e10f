import type { Carry, Precision, Value, Values } from 'ockham'
import { InputError } from 'ockham'
import type * as ort from 'onnxruntime-node'
import { stepInputs } from '../engine/executor.js'
import type { ExecutableLoop } from '../engine/executor.js'
import { slotOf } from '../engine/graph.js'
import type { Graph, Node } from '../engine/graph.js'
import { inBlocks } from './blocks.js'
import { checkRows, typeOf } from './lower.js'
import type { HostType } from './lower.js'
import { usesPattern } from './memory.js'
import { CarefulProgram, SafeProgram, capturesOf } from './program.js'
import type { Tensors, Warn } from './program.js'
import { rewrite } from './rewrite.js'
import { anatomy, loopModel } from './scan.js'
import type { LoopModel } from './scan.js'
import { hostType, openSession, runSession, tensorOf, valueOf } from './session.js'
import type { Feeds, Settings } from './session.js'
import { Stack } from './stack.js'

type Steps = readonly (readonly Value[])[]
interface Result {
  readonly carry: State
  readonly outs: readonly Values[]
}

const typeOfNode = (node: Node): HostType => typeOf({ node, index: 0 }) as HostType

/** Loop state as tensors of the runtime; reading it copies. */
class State implements Carry {
  constructor(
    readonly tensors: ReadonlyMap<string, ort.Tensor>,
    readonly types: ReadonlyMap<string, HostType>,
  ) {}

  async read(): Promise<Values> {
    const copy = (v: Value): Value => ({ ...v, data: v.data.slice() })
    return Object.fromEntries([...this.tensors].map(([name, t]) => [name, copy(valueOf(t, this.types.get(name)!))]))
  }
}

/** What both ways to run a loop have in common. */
class Frame {
  readonly captures: Tensors
  readonly carried: ReadonlyMap<string, Node>
  readonly types: ReadonlyMap<string, HostType>
  readonly steps: readonly Node[]

  constructor(
    readonly graph: Graph,
    readonly precision: Precision,
  ) {
    this.captures = capturesOf(graph)
    this.carried = new Map(graph.inputs.flatMap((n) => (n.source?.kind === 'carry' ? [[n.source.name, n] as const] : [])))
    this.types = new Map([...this.carried].map(([name, node]) => [name, hostType(node.outputs[0]!, precision)]))
    this.steps = stepInputs(graph)
  }

  load(values: Values): State {
    const missing = [...this.carried.keys()].filter((name) => !values[name])
    if (missing.length > 0) {
      throw new InputError({
        code: 'OCK-ORT-007',
        what: `no value for ${missing.join(', ')}`,
        where: 'loop.load',
        remedy: 'load every name of the carry',
      })
    }
    return new State(new Map([...this.carried].map(([name, node]) => [name, tensorOf(values[name]!, typeOfNode(node))])), this.types)
  }
}

type Run = (inputs: Tensors) => Promise<readonly ort.Tensor[]>

/** Steps one after another, with their host calls. */
async function advanceSingly(frame: Frame, run: Run, carry: State, steps: Steps): Promise<Result> {
  let state = carry
  const outs: Values[] = []
  for (const step of steps) {
    const inputs = new Map(frame.captures)
    for (const [name, node] of frame.carried) inputs.set(node, state.tensors.get(name)!)
    frame.steps.forEach((node, i) => inputs.set(node, tensorOf(step[i]!, typeOfNode(node))))
    const outputs = await run(inputs)
    const next = new Map(state.tensors)
    const out: Record<string, Value> = {}
    frame.graph.outputs.forEach(({ name, ref }, i) => {
      const value = outputs[i]!
      if (name.startsWith('carry.')) {
        const key = name.slice('carry.'.length)
        const type = typeOfNode(frame.carried.get(key)!)
        next.set(key, value.type === type ? value : tensorOf(valueOf(value, type), type))
      } else out[name.slice('out.'.length)] = valueOf(value, hostType(slotOf(ref), frame.precision))
    })
    state = new State(next, frame.types)
    outs.push(out)
  }
  return { carry: state, outs }
}

/** One value a step of a stack [k, …]; they share its array. */
function unstack(tensor: ort.Tensor, type: HostType, count: number): Value[] {
  const { shape, data } = valueOf(tensor, type)
  const each = data.length / count
  return Array.from({ length: count }, (_, i) => ({ shape: shape.slice(1), dtype: type, data: data.subarray(i * each, (i + 1) * each) }))
}

/** All steps in one call of one session. */
class Fused {
  readonly #stacks: readonly Stack[]

  constructor(
    readonly frame: Frame,
    readonly made: LoopModel,
    readonly session: ort.InferenceSession,
  ) {
    this.#stacks = made.steps.map(({ node }) => new Stack(node ? typeOfNode(node) : 'float32', node ? node.outputs[0]!.shape : []))
  }

  get tensors(): number {
    return this.session.inputNames.length + this.session.outputNames.length
  }

  /** Nothing where an inverse failed. */
  async advance(carry: State, steps: Steps): Promise<Result | undefined> {
    const { made, frame } = this
    const feeds: Feeds = {}
    for (const { node, input } of made.fixed) {
      feeds[input] = node.source?.kind === 'carry' ? carry.tensors.get(node.source.name)! : frame.captures.get(node)!
    }
    for (const { state, input } of made.states) feeds[input] = carry.tensors.get(state.name)!
    const one: Value = { shape: [], dtype: 'float32', data: new Float32Array(1) }
    made.steps.forEach(({ node, input }, i) => {
      feeds[input] = this.#stacks[i]!.of(steps.map((step) => (node ? step[i]! : one)))
    })
    const results = await runSession(this.session, feeds, frame.graph.nodes)
    if (made.flags.some((name) => (results[name]!.data as Uint8Array).includes(0))) return undefined
    const next = new Map(carry.tensors)
    for (const { state, output } of made.states) next.set(state.name, results[output]!)
    const columns = made.outs.map(({ name, ref, output }) => {
      return [name, unstack(results[output]!, hostType(slotOf(ref), frame.precision), steps.length)] as const
    })
    const outs = steps.map((_, i) => Object.fromEntries(columns.map(([name, values]) => [name, values[i]!])))
    return { carry: new State(next, frame.types), outs }
  }
}

/** Runs one call after another: they share the stacks. */
function queued<A extends readonly unknown[], B>(work: (...args: A) => Promise<B>): (...args: A) => Promise<B> {
  let last: Promise<unknown> = Promise.resolve()
  return (...args) => {
    const now = last.then(() => work(...args))
    last = now.catch(() => undefined)
    return now
  }
}

/**
 * A loop compiled to one session of many steps, or, where host calls interrupt the graph, to sessions between them. Steps with
 * an inverse that fails inside the graph are done again from the carry they began with, the inverse on the host.
 */
export async function loop(graph: Graph, precision: Precision, settings: Settings, warn: Warn): Promise<ExecutableLoop> {
  const simple = rewrite(graph)
  const frame = new Frame(simple, precision)
  const fitting = { ...settings, pattern: usesPattern(simple) }
  return simple.nodes.some((n) => n.op === 'Host') ? singly(frame, fitting, warn) : fused(frame, fitting, warn)
}

async function fused(frame: Frame, settings: Settings, warn: Warn): Promise<ExecutableLoop> {
  checkRows(frame.graph.nodes)
  const graph = inBlocks(frame.graph, anatomy(frame.graph).invariant)
  const made = loopModel(graph, anatomy(graph))
  const whole = new Fused(frame, made, await openSession(made.model, settings, frame.graph.nodes))
  const careful = new CarefulProgram(frame.graph, settings, warn)
  const advance = queued(async (carry: Carry, steps: Steps): Promise<Result> => {
    const done = steps.length === 0 ? { carry: carry as State, outs: [] } : await whole.advance(carry as State, steps)
    return done ?? advanceSingly(frame, (inputs) => careful.run(inputs), carry as State, steps)
  })
  const dispose = (): void => {
    void whole.session.release()
    careful.dispose()
  }
  return { load: (values) => frame.load(values), advance, tensorsPerCall: whole.tensors, fused: true, dispose }
}

async function singly(frame: Frame, settings: Settings, warn: Warn): Promise<ExecutableLoop> {
  const program = await SafeProgram.open(frame.graph, settings, warn)
  const advance = (carry: Carry, steps: Steps): Promise<Result> =>
    advanceSingly(frame, (inputs) => program.run(inputs), carry as State, steps)
  return { load: (values) => frame.load(values), advance, tensorsPerCall: program.tensors, fused: false, dispose: () => program.dispose() }
}
