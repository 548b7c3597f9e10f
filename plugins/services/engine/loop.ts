import {
  InputError,
  type Advance,
  type Carry,
  type Engine,
  type Fault,
  type HostKey,
  type Loop,
  type LoopPlan,
  type Precision,
  type Tensors,
  type Value,
  type Values,
} from 'ockham'
import { refOf } from './backend.js'
import { drawn } from './draws.js'
import { stepInputs, type ExecutableLoop, type Executor } from './executor.js'
import { slotOf, type Graph, type Ref } from './graph.js'
import { blame, isFinite } from './finite.js'
import { constrainedMemory } from './limits.js'
import { fits, peakBytes } from './liveness.js'
import type { EngineOptions } from './options.js'
import { optimise } from './passes/optimise.js'
import { gone, needs, outside, signature } from './program.js'
import { same } from './signatures/row.js'
import type { Scalar } from './tensor.js'
import { Trace } from './trace.js'
import { TracedKey } from './traced-key.js'
import { tensorOf, tracing } from './tracing.js'
import { argument } from './tree.js'
import { bytesOf, cast } from './values.js'

/** Feeds and draws of a call stay below this; a call runs at most this many steps. */
const callBytes = 32 * 2 ** 20
const callSteps = 32

interface Compiled {
  readonly graph: Graph
  readonly executable: ExecutableLoop
  /** Estimated bytes of a step. */
  readonly peak: number
}

/** A carry on its way: host values, or what an executable holds. */
class Held implements Carry {
  constructor(
    readonly compiled: Compiled | undefined,
    readonly held: Carry,
  ) {}
  read(): Promise<Values> {
    return this.held.read()
  }
}

const host = (values: Values): Carry => ({ read: () => Promise.resolve(values) })

/** What a step did to the carry that it may not. */
function changed(before: Tensors, after: Tensors): Fault[] {
  const say = (t: { dtype: string; shape: readonly number[] } | undefined): string => (t ? `${t.dtype} [${t.shape}]` : 'nothing')
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names
    .filter((n) => !before[n] || !after[n] || before[n].dtype !== after[n].dtype || !same(before[n].shape, after[n].shape))
    .map((n) => ({
      code: 'OCK-ENGINE-012',
      what: `the step turns carry '${n}' from ${say(before[n])} into ${say(after[n])}`,
      remedy: 'return every carry with its name, shape and type',
    }))
}

/** Names of outputs that are printed begin so. */
const printName = 'print:'

/** Records one step as a graph with outputs `carry.<name>` and `out.<name>`. */
export function recordStep(engine: Engine, advance: Advance, carry: Values, feed: Values, trace: Trace): Graph {
  const outputs: { name: string; ref: Ref }[] = []
  void tracing(trace, () => {
    const inputs = (kind: 'carry' | 'feed', values: Values): Tensors =>
      argument(values, {
        value: (v, name) =>
          tensorOf(trace, trace.input({ kind, name }, { shape: [...v.shape], dtype: v.dtype === 'float64' ? 'float32' : v.dtype })),
        key: (_, where) => {
          throw new InputError({ code: 'OCK-ENGINE-013', what: `a key is given as ${kind}`, where, remedy: 'give Values' })
        },
      }) as Tensors
    const before = inputs('carry', carry)
    const fed = inputs('feed', feed)
    const step = tensorOf(trace, trace.input({ kind: 'step' }, { shape: [], dtype: 'float32' })) as Scalar
    const made = advance(before, fed, { key: new TracedKey(trace, ''), step, engine })
    if (made instanceof Promise) return made
    const faults = changed(before, made.carry)
    if (faults.length > 0) throw new InputError(faults)
    for (const name of Object.keys(before)) outputs.push({ name: `carry.${name}`, ref: refOf(trace, made.carry[name]!) })
    for (const name of Object.keys(made.out ?? {}).sort()) outputs.push({ name: `out.${name}`, ref: refOf(trace, made.out![name]!) })
    trace.prints.forEach((p, i) => outputs.push({ name: `out.${printName}${i}:${p.name}`, ref: p.ref }))
    return undefined
  })
  return optimise(trace.nodes, outputs, trace.supports)
}

const feedBytes = (graph: Graph): number =>
  stepInputs(graph).reduce((sum, n) => sum + (n.source!.kind === 'step' ? 0 : bytesOf(n.outputs[0]!.shape, n.outputs[0]!.dtype)), 0)

const outBytes = (graph: Graph): number =>
  graph.outputs.reduce((sum, { name, ref }) => sum + (name.startsWith('out.') ? bytesOf(slotOf(ref).shape, slotOf(ref).dtype) : 0), 0)

const carryBytes = (graph: Graph): number =>
  graph.outputs.reduce((sum, { name, ref }) => sum + (name.startsWith('carry.') ? bytesOf(slotOf(ref).shape, slotOf(ref).dtype) : 0), 0)

/** Share that allocators add: what they round up and leave in pieces. */
const pieces = 1.25

/** Beside the step itself there are the carry that a call began with, and the copy of the new one that it hands back. */
const loopPeak = (graph: Graph, executor: Executor): number =>
  Math.round(pieces * ((executor.peakBytes?.(graph) ?? peakBytes(graph)) + 2 * carryBytes(graph)))

function planned({ graph, executable, peak }: Compiled, memory = constrainedMemory()): LoopPlan {
  const bytes = feedBytes(graph)
  const each = bytes + outBytes(graph)
  // Half of what is left stays free: the caller reads the next feeds meanwhile.
  const room = Math.floor((memory - peak) / 2 / Math.max(each, 1))
  return {
    stepsPerCall: executable.fused ? Math.max(1, Math.min(callSteps, room, Math.floor(callBytes / Math.max(bytes, 1)))) : 1,
    nodes: graph.nodes.length,
    tensorsPerCall: executable.tensorsPerCall,
    carryBytes: carryBytes(graph),
    feedBytes: bytes,
    peakBytes: peak,
  }
}

const mismatch = (what: string, remedy: string): InputError => new InputError({ code: 'OCK-ENGINE-019', what, remedy })

/** Values of the step inputs of one step. */
function stepValues(graph: Graph, feed: Values, key: HostKey | undefined, step: number, precision: Precision): Value[] {
  return stepInputs(graph).map(({ source }) => {
    if (source!.kind === 'feed') return cast(feed[source!.name]!, precision)
    if (source!.kind === 'step') return cast({ shape: [], dtype: 'float64', data: Float64Array.of(step) }, precision)
    if (source!.kind !== 'draw') throw new Error(`a step cannot be fed from ${source!.kind}`)
    if (!key) throw mismatch('the step draws random numbers and is given no key', 'give one key a step')
    return cast(drawn(key, source!.path, source!.draw), precision)
  })
}

/** A step compiled for each shape of carry and feed. */
export class EngineLoop implements Loop {
  readonly #known = new Map<string, Promise<Compiled>>()
  #disposed = false

  constructor(
    private readonly engine: Engine,
    private readonly executor: Executor,
    private readonly step: Advance,
    private readonly precision: Precision,
    private readonly warn: (message: string) => void,
    private readonly watch: EngineOptions = {},
  ) {
    needs(executor, precision)
  }

  load(carry: Values): Carry {
    outside('a loop is loaded')
    const kept = Object.fromEntries(Object.entries(carry).map(([name, v]) => [name, cast(v, this.precision)]))
    return new Held(undefined, host(kept))
  }

  async prepare(carry: Values, feed: Values): Promise<LoopPlan> {
    return planned(await this.#compiled(carry, feed), this.watch.memory)
  }

  async advance(
    carry: Carry,
    start: number,
    feeds: readonly Values[],
    keys: readonly HostKey[],
  ): Promise<{ carry: Carry; outs: readonly Values[] }> {
    outside('a loop is advanced')
    if (this.#disposed) throw gone('loop')
    if (feeds.length === 0) return { carry, outs: [] }
    const shapes = signature(feeds[0])
    const other = feeds.findIndex((feed) => signature(feed) !== shapes)
    if (other > 0) throw mismatch(`feed ${other} differs in names, shapes or types from feed 0`, 'give feeds of one shape a call')
    const given = carry as Held
    const { compiled, held } = await this.#place(given, feeds[0]!)
    const { graph, executable } = compiled
    const steps = feeds.map((feed, i) => stepValues(graph, feed, keys[i], start + i, this.precision))
    const checks = this.watch.check === 'finite'
    const before = checks ? await held.read() : {}
    const after = await executable.advance(held, steps)
    const outs = after.outs.map((out, i) => this.#printed(out, start + i))
    if (checks && !isFinite([...Object.values(await after.carry.read()), ...after.outs.flatMap((out) => Object.values(out))])) {
      const error = await blame(this.executor, graph, this.precision, { carry: before, steps, start })
      if (error) throw error
    }
    return { carry: new Held(compiled, after.carry), outs }
  }

  dispose(): void {
    this.#disposed = true
    for (const made of this.#known.values()) made.then(({ executable }) => executable.dispose()).catch(() => undefined)
    this.#known.clear()
  }

  /** Prints what is to be printed; what is left are the step's own outputs. */
  #printed(out: Values, step: number): Values {
    const names = Object.keys(out)
    if (!names.some((name) => name.startsWith(printName))) return out
    const order = (name: string): number => Number(name.slice(printName.length).split(':')[0])
    const prints = names.filter((name) => name.startsWith(printName)).sort((a, b) => order(a) - order(b))
    for (const name of prints) this.watch.print?.(name.slice(name.indexOf(':', printName.length) + 1), out[name]!, step)
    return Object.fromEntries(Object.entries(out).filter(([name]) => !name.startsWith(printName)))
  }

  /** The carry inside the executable for its shapes and the feed's. */
  async #place(carry: Held, feed: Values): Promise<{ compiled: Compiled; held: Carry }> {
    const shapes = signature(feed)
    if (carry.compiled && carry.compiled === (await this.#known.get(`${this.#shapes.get(carry.compiled)}|${shapes}`))) {
      return { compiled: carry.compiled, held: carry.held }
    }
    const values = await carry.read()
    const compiled = await this.#compiled(values, feed)
    return { compiled, held: executableCarry(compiled, values) }
  }

  readonly #shapes = new WeakMap<Compiled, string>()

  #compiled(carry: Values, feed: Values): Promise<Compiled> {
    if (this.#disposed) throw gone('loop')
    const shape = signature(carry)
    const name = `${shape}|${signature(feed)}`
    const found = this.#known.get(name)
    if (found) return found
    const made = this.#compile(carry, feed, shape)
    this.#known.set(name, made)
    made.catch(() => this.#known.delete(name))
    return made
  }

  async #compile(carry: Values, feed: Values, shape: string): Promise<Compiled> {
    const trace = new Trace(this.precision, (op) => this.executor.supports(op))
    const graph = recordStep(this.engine, this.step, carry, feed, trace)
    const peak = loopPeak(graph, this.executor)
    fits(peak, this.watch.memory, 'a step')
    const compiled = { graph, peak, executable: await this.executor.loop(graph, this.precision, this.warn) }
    this.#shapes.set(compiled, shape)
    return compiled
  }
}

const executableCarry = ({ executable }: Compiled, values: Values): Carry => executable.load(values)
