import { InputError, RunError } from 'ockham'
import type { Precision, Value } from 'ockham'
import * as ort from 'onnxruntime-node'
import type { Node, Slot } from '../engine/graph.js'
import { dataAs } from './lower.js'
import type { HostType } from './lower.js'
import { Scope } from './model.js'
import type { Profile } from './profile.js'
import type { Provider } from './providers.js'

/** How sessions run; every one of an executor alike, since bits depend on it. */
export interface Settings {
  /** Threads inside an operation. */
  readonly threads: number
  /**
   * Whether denormal numbers count as zero. Moments that decay, or weights behind a dead unit, end in denormals, and elementwise
   * work on them is twenty times slower.
   */
  readonly denormals: 'zero' | 'kept'
  /** What runs the operations; the CPU where it is left out. */
  readonly provider?: Provider
  /** Whether the runtime lays out the results of a run in one block, which it keeps; yes where it is left out. */
  readonly pattern?: boolean
  /** Where operations are timed. */
  readonly profile?: Profile | undefined
}

const sessionOptions = ({ threads, denormals, profile, provider, pattern }: Settings): ort.InferenceSession.SessionOptions => ({
  executionProviders: [provider ?? 'cpu'],
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  enableMemPattern: pattern ?? true,
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
  ...profile?.options(),
  // Threads of a session that spin after its run would take the cores from the next session, and there are many.
  extra: {
    session: { set_denormal_as_zero: denormals === 'zero' ? '1' : '0', force_spinning_stop: '1' },
    // The runtime makes one operator of x σ(x) in double too, for which it has no kernel; and puts what scales a product of doubles into
    // a float32 attribute. Scales in float32 programs are in the products already (`fusions.ts`).
    optimization: { disable_specified_optimizers: 'QuickGeluFusion;MatMulScaleFusion' },
  },
})

/** A smallest number times one: 0 where this thread takes denormals for zero. */
const flushes = (): boolean => {
  const [tiny, one] = new Float64Array([Number.MIN_VALUE, 1])
  return tiny! * one! === 0
}

/**
 * Asks for denormals as zero, and says what this thread does. The first session of a process decides for the thread that opens it,
 * JavaScript's own arithmetic there included, every session for its other threads. Where another session came first, ours keep
 * denormals too: the halves of one tensor must not follow different rules.
 */
export async function settleDenormals(): Promise<Settings['denormals']> {
  if (!flushes()) {
    const scope = new Scope('first')
    const y = scope.emit('Neg', [scope.input('x', 'float32', [])], {}, 1, 'Neg')[0]!
    scope.output(y, 'float32', [])
    const first = await openSession(scope.model(), { threads: 1, denormals: 'zero' }, [])
    await first.release()
  }
  return flushes() ? 'zero' : 'kept'
}

/** `Add.12` in a message of the runtime: the node of ours it speaks of. */
const label = /\b([A-Za-z_][\w.]*?)\.(\d+)_\d+/

const located = (message: string, nodes: readonly Node[]): { where?: string } => {
  const found = label.exec(message)
  if (!found) return {}
  const node = nodes.find((n) => n.id === Number(found[2]))
  return { where: `${found[1]}${node?.line ? ` (${node.line})` : ''}` }
}

const say = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A session for a model; `nodes` are what it was made of, for its errors. */
export async function openSession(model: Uint8Array, settings: Settings, nodes: readonly Node[]): Promise<ort.InferenceSession> {
  try {
    const session = await ort.InferenceSession.create(model, sessionOptions(settings))
    return settings.profile ? settings.profile.add(session) : session
  } catch (cause) {
    const fault = { code: 'OCK-ORT-002', what: `ONNX Runtime does not take this graph: ${say(cause)}`, ...located(say(cause), nodes) }
    throw new InputError({ ...fault, remedy: 'run on the portable engine, and report the kernel named here' }, { cause })
  }
}

export type Feeds = Record<string, ort.Tensor>

/** Runs a session; what fails inside is a RunError that names the operation. */
export async function runSession(session: ort.InferenceSession, feeds: Feeds, nodes: readonly Node[]): Promise<Feeds> {
  try {
    return await session.run(feeds)
  } catch (cause) {
    const fault = { code: 'OCK-ORT-003', what: `ONNX Runtime failed: ${say(cause)}`, ...located(say(cause), nodes) }
    throw new RunError({ ...fault, remedy: 'look at the values that reach this operation: indices out of range, or memory' }, { cause })
  }
}

/** A host array as a tensor of the runtime, by reference where the types agree. */
export const tensorOf = (value: Value, type: HostType): ort.Tensor => new ort.Tensor(type, dataAs(value, type) as Float32Array, value.shape)

/** Array type that a slot has outside a program of this precision. */
export const hostType = (slot: Slot, precision: Precision): HostType => (slot.dtype === 'float32' ? precision : slot.dtype)

/** A tensor of the runtime as a Value that shares its array where the types agree. */
export function valueOf(tensor: ort.Tensor, type: HostType): Value {
  const value = { shape: [...tensor.dims], dtype: tensor.type as HostType, data: tensor.data as Float32Array }
  return value.dtype === type ? value : { ...value, dtype: type, data: dataAs(value, type) as Float32Array }
}
