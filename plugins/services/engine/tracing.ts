import type { Tensor } from './tensor.js'
import { backend, backendName, drawn } from './backend.js'
import { refusal } from './errors.js'
import { kit, type TapeNode } from './kit.js'
import { tf } from './tensor.js'
import { activate, symbol, type Trace } from './trace.js'
import type { Ref } from './graph.js'

/** The part of tfjs' engine state that a function which throws could leave changed. */
interface State {
  gradientDepth: number
  kernelDepth: number
  activeTape: TapeNode[] | null
}

export const state = (): State => (tf.engine() as unknown as { state: State }).state

/** A handle on a node's result, in the trace's scope. */
export const tensorOf = (trace: Trace, ref: Ref): Tensor => tf.engine().makeTensorFromTensorInfo(symbol(trace, ref), backend)

const hook: unique symbol = Symbol.for('ockham/tracing')

const outerKey = (): never => {
  throw refusal(
    '003',
    'a host key draws inside a traced function, where its numbers would be frozen into the program',
    'pass the key as an argument: inside it is a traced key',
  )
}

/** Makes drawing an error while a function is traced; returns what undoes that. */
function guard(): () => void {
  const draw = (): never => {
    throw drawn()
  }
  const math = Math.random
  const generators = [kit.MPRandGauss, kit.RandGamma, kit.UniformRandom].map(({ prototype }) => ({
    prototype,
    before: prototype.nextValue,
  }))
  const shared = globalThis as { [hook]?: unknown }
  const outer = shared[hook]
  Math.random = draw
  for (const { prototype } of generators) prototype.nextValue = draw
  shared[hook] = outerKey
  return () => {
    Math.random = math
    for (const { prototype, before } of generators) prototype.nextValue = before
    shared[hook] = outer
  }
}

const isPromise = (x: unknown): x is Promise<unknown> =>
  typeof x === 'object' && x !== null && typeof (x as { then?: unknown }).then === 'function'

/** Runs a function so that what it does is recorded in `trace`; frees every tensor it leaves. */
export function tracing<T>(trace: Trace, body: () => T): T {
  const finish = activate(trace)
  const engine = tf.engine()
  const before = tf.getBackend()
  const saved = { ...pick(state()) }
  // Takes effect at once: the backend needs no time to start.
  void tf.setBackend(backendName)
  engine.startScope('trace')
  const release = guard()
  try {
    const result = body()
    if (isPromise(result)) result.catch(() => undefined)
    if (trace.refused) throw trace.refused
    if (isPromise(result)) throw refusal('006', 'a traced function returned a promise', 'trace a synchronous function; await outside it')
    return result
  } finally {
    release()
    for (const tensor of trace.kept) tensor.dispose()
    engine.endScope()
    Object.assign(state(), saved)
    void tf.setBackend(before)
    finish()
  }
}

const pick = ({ gradientDepth, kernelDepth, activeTape }: State): State => ({ gradientDepth, kernelDepth, activeTape })
