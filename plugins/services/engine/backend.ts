import type { KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core'
import { compositions, type Call } from './compositions.js'
import { refusal } from './errors.js'
import type { Ref, Slot } from './graph.js'
import { slotOf } from './graph.js'
import { kernels } from './kernels.js'
import { kit } from './kit.js'
import { Mismatch, same, type Attrs } from './signatures/row.js'
import { tf } from './tensor.js'
import { current, symbol, symbols, type Trace } from './trace.js'

export const backendName = 'ockham-trace'

type DataId = TensorInfo['dataId']
type Inputs = Readonly<Record<string, TensorInfo>>

const unread = (dataId: DataId): Error =>
  symbols.get(dataId)!.trace.live
    ? refusal(
        '002',
        '{op} reads a tensor, which has no numbers while the function is traced',
        'return it from the traced function, choose with tf.where, or compute on the host with engine.host',
      )
    : stale()

const stale = (): Error =>
  refusal('015', 'a tensor is used after the traced function that made it', 'return it from the function: outside it is a Value')

/** tfjs' cpu backend that also carries symbolic tensors: these have a node where others have data. */
class TraceBackend extends kit.MathBackendCPU {
  readonly #released = new WeakSet<object>()

  override write(...args: Parameters<InstanceType<typeof kit.MathBackendCPU>['write']>): object {
    const dataId = super.write(...args)
    current()?.owned.add(dataId)
    return dataId
  }
  override readSync(dataId: DataId): ReturnType<InstanceType<typeof kit.MathBackendCPU>['readSync']> {
    if (symbols.has(dataId)) throw unread(dataId)
    return super.readSync(dataId)
  }
  override read(dataId: DataId): ReturnType<InstanceType<typeof kit.MathBackendCPU>['read']> {
    if (!symbols.has(dataId)) return super.read(dataId)
    const error = unread(dataId)
    const trace = current()
    if (!trace) return Promise.reject(error)
    // The trace raises it; a promise that never settles keeps the caller from going on meanwhile.
    trace.refused ??= error
    return new Promise(() => undefined)
  }
  override incRef(dataId: DataId): void {
    if (!symbols.has(dataId)) super.incRef(dataId)
  }
  override refCount(dataId: DataId): number {
    return symbols.has(dataId) ? 1 : super.refCount(dataId)
  }
  override disposeData(dataId: DataId, force?: boolean): boolean {
    if (!symbols.has(dataId)) return super.disposeData(dataId, force)
    // tfjs goes on knowing whose it was, so that a later use comes here and is named; only its count is set right.
    if (!this.#released.has(dataId)) (tf.engine() as unknown as { state: { numDataBuffers: number } }).state.numDataBuffers--
    this.#released.add(dataId)
    return false
  }
}

export const backend = new TraceBackend()
// It would print advice when it is first written to.
;(backend as unknown as { firstUse: boolean }).firstUse = false

/** The node behind a tensor of this trace; data known while tracing becomes a constant. */
export function refOf(trace: Trace, info: TensorInfo): Ref {
  const known = symbols.get(info.dataId)
  if (known && known.trace !== trace) throw stale()
  if (known) return known.ref
  own(trace, info)
  return trace.constant(info, () => backend.readSync(info.dataId) as ArrayLike<number>)
}

function own(trace: Trace, info: TensorInfo): void {
  const variable = info instanceof tf.Variable
  if (!variable && trace.owned.has(info.dataId)) return
  throw refusal(
    '005',
    `{op} uses a ${variable ? 'tf.Variable' : 'tensor'} from outside, whose numbers would be frozen into the program`,
    'pass it as an argument, or bind its Value with engine.capture',
  )
}

/** Records a kernel, or what stands for it. */
function record(trace: Trace, kernel: string, inputs: Inputs, attrs: Attrs): TensorInfo | TensorInfo[] {
  const row = kernels[kernel]
  const names = !row || row.inputs === 'list' ? Object.keys(inputs) : row.inputs
  const refs = names.map((name) => refOf(trace, inputs[name]!))
  const slots = refs.map(slotOf)
  if (!row || !trace.supports(kernel)) throw unknown(kernel, slots)
  const { outputs, attrs: resolved } = inferred(kernel, slots, attrs, row.infer)
  const alias = kernel === 'Identity' || (kernel === 'Cast' && outputs[0]!.dtype === slots[0]!.dtype)
  if (alias || (kernel === 'Reshape' && same(outputs[0]!.shape, slots[0]!.shape))) return symbol(trace, refs[0]!)
  const node = trace.add(kernel, refs, outputs, { attrs: resolved })
  const results = outputs.map((_, index) => symbol(trace, { node, index }))
  return kernel === 'Unpack' || outputs.length > 1 || kernel === 'SplitV' ? results : results[0]!
}

const say = (slots: readonly Slot[]): string => slots.map((s) => `${s.dtype} [${s.shape}]`).join(', ')

const unknown = (kernel: string, slots: readonly Slot[]): Error =>
  refusal('001', `the engine has no kernel ${kernel} for ${say(slots)} ({op})`, 'compute it from other operations, or with engine.host')

function inferred<T>(kernel: string, slots: readonly Slot[], attrs: Attrs, infer: (slots: readonly Slot[], attrs: Attrs) => T): T {
  try {
    return infer(slots, attrs)
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error
    throw refusal('009', `{op}: ${kernel} of ${say(slots)}: ${error.message}`, 'make shapes and types fit: tf.cast, tf.reshape')
  }
}

/** Attributes as a node would have them: tfjs' own cumsum is wrong for an axis from the end. */
function settled(kernel: string, inputs: readonly TensorInfo[], attrs: Attrs): Attrs {
  if (kernel !== 'Cumsum') return attrs
  return kernels.Cumsum!.infer([{ shape: inputs[0]!.shape, dtype: inputs[0]!.dtype as Slot['dtype'] }], attrs).attrs
}

/** What tfjs calls for every kernel while the backend is active. */
function dispatch(kernel: string, run: KernelFunc, inputs: Inputs, attrs: Attrs): TensorInfo | TensorInfo[] {
  const trace = current()
  const given = Object.values(inputs).filter((info) => info != null)
  if (trace && kernel === 'Multinomial') throw drawn()
  if (!trace || !given.some((info) => symbols.has(info.dataId))) {
    if (trace) for (const info of given) own(trace, info)
    return run({ inputs, attrs: settled(kernel, given, attrs) as NamedAttrMap, backend })
  }
  for (const info of given) if (!symbols.has(info.dataId) || info instanceof tf.Variable) own(trace, info)
  const compose = compositions[kernel]
  const call: Call = (name, of, with_ = {}) => dispatch(name, tf.getKernel(name, 'cpu').kernelFunc, of, with_) as TensorInfo
  return compose?.(inputs, attrs, call) ?? record(trace, kernel, inputs, attrs)
}

/** Random numbers that tfjs or JavaScript would make. */
export const drawn = (): Error =>
  refusal(
    '004',
    '{op} draws random numbers that would be the same at every call',
    'draw from a key: key.fold(name).normal(shape)',
    'Math.random',
  )

tf.registerBackend(backendName, () => backend, 0)
for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('cpu')) {
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs }) => dispatch(kernelName, kernelFunc, inputs as Inputs, attrs ?? {}),
  })
}
