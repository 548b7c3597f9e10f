import type { TensorInfo } from '@tensorflow/tfjs-core'
import { composed, type Composed } from './composed/index.js'
import { finished, imageCompositions } from './image-compositions.js'
import type { Attrs } from './signatures/row.js'
import { isMasked, strided } from './strided.js'
import { tf, type Tensor } from './tensor.js'

/** Runs a kernel on infos, recording it where an input is symbolic. */
export type Call = (kernel: string, inputs: Readonly<Record<string, TensorInfo>>, attrs?: Attrs) => TensorInfo
/** What stands for a kernel; nothing where it is recorded as it is. */
export type Composition = (inputs: Readonly<Record<string, TensorInfo>>, attrs: Attrs, call: Call) => TensorInfo | undefined

/** Products up to and with each element in ⌈log₂ n⌉ rounds (Hillis and Steele 1986): each round multiplies by the row shifted by 1, 2, 4, …. */
function cumprod(x: TensorInfo, axis: number, exclusive: boolean, reverse: boolean, call: Call): TensorInfo {
  const n = x.shape[axis]!
  const shifted = (y: TensorInfo, by: number): TensorInfo => {
    const begin = x.shape.map((_, i) => (i === axis && reverse ? by : 0))
    const size = x.shape.map((m, i) => (i === axis ? n - by : m))
    const paddings = x.shape.map((_, i) => (i === axis ? (reverse ? [0, by] : [by, 0]) : [0, 0]))
    return call('PadV2', { x: call('Slice', { x: y }, { begin, size }) }, { paddings, constantValue: 1 })
  }
  // The input itself would be its own result: what flows back to both would be counted twice.
  if (n === 1 && !exclusive) return call('Identity', { x })
  let y = exclusive ? shifted(x, 1) : x
  for (let by = 1; by < n; by *= 2) y = call('Multiply', { a: y, b: shifted(y, by) })
  return y
}

/** Handles for tfjs' operations; inputs that are tensors already are taken as they are. */
const tensor = (info: TensorInfo): Tensor => (info instanceof tf.Tensor ? (info as Tensor) : tf.engine().makeTensorFromTensorInfo(info))

const written =
  ({ of }: Composed): Composition =>
  (inputs, attrs) =>
    of(Object.fromEntries(Object.entries(inputs).flatMap(([name, x]) => ((x as TensorInfo | null) ? [[name, tensor(x)]] : []))), attrs)

/** Kernels that are recorded as others, so that no machine needs a row for them. */
export const compositions: Readonly<Record<string, Composition>> = {
  ...imageCompositions,
  ...Object.fromEntries(Object.entries(composed).map(([kernel, made]) => [kernel, written(made)])),
  _FusedMatMul: (inputs, attrs, call) => {
    const { transposeA, transposeB } = attrs
    return finished(call('BatchMatMul', { a: inputs.a!, b: inputs.b! }, { transposeA, transposeB }), inputs, attrs, call)
  },
  ExpandDims: ({ input }, { dim }, call) => {
    const shape = [...input!.shape]
    const at = dim as number
    shape.splice(at < 0 ? shape.length + at + 1 : at, 0, 1)
    return call('Reshape', { x: input! }, { shape })
  },
  StridedSlice: ({ x }, given, call) => {
    if (!isMasked(given)) return undefined
    const { attrs, shape } = strided(x!.shape, given)
    return call('Reshape', { x: call('StridedSlice', { x: x! }, attrs) }, { shape: [...shape] })
  },
  Cumprod: ({ x }, { axis, exclusive, reverse }, call) => {
    const at = axis as number
    return cumprod(x!, at < 0 ? at + x!.shape.length : at, Boolean(exclusive), Boolean(reverse), call)
  },
}
