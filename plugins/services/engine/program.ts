import { InputError, type Given, type HostKey, type Precision, type Program, type Settled, type Value } from 'ockham'
import { refOf } from './backend.js'
import { drawn } from './draws.js'
import { refusal } from './errors.js'
import type { Executable, Executor } from './executor.js'
import type { Graph, Ref, Slot } from './graph.js'
import { blame, isFinite } from './finite.js'
import { fits, peakBytes } from './liveness.js'
import type { EngineOptions } from './options.js'
import { optimise } from './passes/optimise.js'
import { Residents, type Resident } from './residents.js'
import { current, Trace } from './trace.js'
import { TracedKey } from './traced-key.js'
import { tensorOf, tracing } from './tracing.js'
import { argument, result } from './tree.js'
import { cast } from './values.js'

/** A program at fixed argument shapes. */
interface Specialisation {
  readonly graph: Graph
  readonly executable: Executable
  /** Names of what is printed, in the order of the outputs after the function's own. */
  readonly prints: readonly string[]
  settle(outputs: readonly Value[]): unknown
}

/** A specialisation on its way, or compiled. */
interface Entry extends Resident {
  readonly made: Promise<Specialisation>
}

/** Bytes of programs at rest that an executor keeps unless told otherwise. */
const kept = 2 * 2 ** 30

const everybody = new WeakMap<Executor, Residents>()

/** The programs of an executor that rest. */
function residentsOf(executor: Executor, { resting = kept }: EngineOptions): Residents {
  const found = everybody.get(executor) ?? new Residents(resting)
  everybody.set(executor, found)
  return found
}

const slotOfValue = ({ shape, dtype }: Value): Slot => ({ shape: [...shape], dtype: dtype === 'float64' ? 'float32' : dtype })

/** Shapes, types and everything static of an argument tree. */
export const signature = (args: unknown): string =>
  JSON.stringify(
    argument(args, {
      value: (v) => ({ $: `${slotOfValue(v).dtype}[${v.shape}]` }),
      key: () => ({ $: 'key' }),
    }),
    (_, x: unknown) => (x === undefined ? { $: 'undefined' } : x),
  )

/** Records `fn` for arguments like these: the graph, and how its outputs become what the function returned. */
export function record<A, B>(
  fn: (args: A) => B,
  args: unknown,
  precision: Precision,
  supports: (op: string) => boolean,
): { graph: Graph; prints: readonly string[]; settle(outputs: readonly Value[]): unknown } {
  const trace = new Trace(precision, supports)
  const outputs: { name: string; ref: Ref }[] = []
  const tree = tracing(trace, () => {
    const traced = argument(args, {
      value: (v, path) => tensorOf(trace, trace.input({ kind: 'argument', path }, slotOfValue(v))),
      key: (_, path) => new TracedKey(trace, path),
    })
    const returned = fn(traced as A)
    if (returned instanceof Promise) return returned
    return result(returned, (tensor, name) => new Leaf(outputs.push({ name, ref: refOf(trace, tensor) }) - 1))
  })
  outputs.push(...trace.prints)
  const prints = trace.prints.map((p) => p.name)
  return { prints, graph: optimise(trace.nodes, outputs, supports), settle: (values) => settled(tree, values) }
}

/** Stands for output `index` in the tree that the function returned. */
class Leaf {
  constructor(readonly index: number) {}
}

function settled(tree: unknown, values: readonly Value[]): unknown {
  if (tree instanceof Leaf) return values[tree.index]
  if (Array.isArray(tree)) return tree.map((x) => settled(x, values))
  if (typeof tree !== 'object' || tree === null || ArrayBuffer.isView((tree as { data?: unknown }).data)) return tree
  return Object.fromEntries(Object.entries(tree).map(([name, x]) => [name, settled(x, values)]))
}

/** Values of a graph's inputs, captures left out. */
function bound(graph: Graph, args: unknown, precision: Precision): Value[] {
  const values = new Map<string, Value>()
  const keys = new Map<string, HostKey>()
  argument(args, { value: (v, path) => values.set(path, v), key: (k, path) => keys.set(path, k) })
  return graph.inputs.flatMap(({ source }) => {
    if (source?.kind === 'argument') return cast(values.get(source.path)!, precision)
    if (source?.kind === 'draw') return cast(drawn(keys.get(source.key)!, source.path, source.draw), precision)
    return []
  })
}

/** Refuses a precision that the executor does not have. */
export function needs(executor: Executor, precision: Precision): void {
  if (precision === 'float32' || executor.capabilities.has(precision)) return
  throw new InputError({
    code: 'OCK-ENGINE-014',
    what: `the engine '${executor.name}' has no ${precision} programs`,
    remedy: 'use an engine that has: onnxruntime',
  })
}

export const outside = (what: string): void => {
  if (current()) throw refusal('016', `${what} inside a traced function`, 'call it outside; inside, call the function itself')
}

/**
 * A program that records and compiles `fn` once for each shape of its arguments; again where it had rested so long that others took its memory.
 */
export function program<A, B>(
  executor: Executor,
  fn: (args: A) => B,
  precision: Precision,
  watch: EngineOptions = {},
): Program<Given<A>, B> {
  needs(executor, precision)
  const residents = residentsOf(executor, watch)
  const known = new Map<string, Entry>()
  let disposed = false
  const specialise = async (args: unknown, of: (bytes: number) => void): Promise<Specialisation> => {
    const { graph, settle, prints } = record(fn, args, precision, (op) => executor.supports(op))
    const bytes = executor.peakBytes?.(graph) ?? peakBytes(graph)
    fits(bytes, watch.memory, 'a program')
    const executable = await executor.compile(graph, precision)
    of(bytes)
    return { graph, settle, prints, executable }
  }
  const specialised = (args: unknown): Entry => {
    const name = signature(args)
    const found = known.get(name)
    if (found) return found
    const free = (): void => {
      known.delete(name)
      // A call that is under way must not put it back among those that rest.
      entry.bytes = 0
      entry.made.then(({ executable }) => executable.dispose()).catch(() => undefined)
    }
    const entry: Entry = { made: specialise(args, (bytes) => (entry.bytes = bytes)), bytes: 0, running: 0, free }
    known.set(name, entry)
    entry.made.catch(() => known.delete(name))
    return entry
  }
  const run = async (args: unknown): Promise<Settled<B>> => {
    if (disposed) throw gone('program')
    const entry = specialised(args)
    residents.enter(entry)
    try {
      const { graph, executable, settle, prints } = await entry.made
      const inputs = bound(graph, args, precision)
      const outputs = await executable.run(inputs)
      prints.forEach((name, i) => watch.print?.(name, outputs[outputs.length - prints.length + i]!))
      if (watch.check === 'finite' && !isFinite(outputs)) {
        const error = await blame(executor, graph, precision, { carry: {}, steps: [inputs] })
        if (error) throw error
      }
      return settle(outputs) as Settled<B>
    } finally {
      residents.rest(entry)
    }
  }
  const call = (args: Given<A>): Promise<Settled<B>> => {
    outside('a program is called')
    return run(args)
  }
  return Object.defineProperties(call as Program<Given<A>, B>, {
    compiled: { get: () => known.size },
    dispose: {
      value: () => {
        disposed = true
        for (const entry of [...known.values()]) {
          residents.leave(entry)
          entry.free()
        }
      },
    },
  })
}

export const gone = (what: string): InputError =>
  new InputError({ code: 'OCK-ENGINE-018', what: `the ${what} has been disposed`, remedy: 'compile it again' })
