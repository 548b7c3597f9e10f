import type { Call, HostKey, Value, Variables } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor, type Tensor4D } from 'ockham/tensor'
import { variable } from './dense.js'
import { kernel, uniformKernel, type Init } from './init.js'

export type Padding = 'same' | 'valid' | number | readonly [rows: readonly [number, number], columns: readonly [number, number]]

export interface ConvOptions {
  /** Default 1. */
  readonly strides?: number | readonly [number, number]
  /** `same` (default), `valid`, as many zeros on every side, or zeros before and after the rows and the columns. */
  readonly pad?: Padding
  /** Default 1. Together with strides only where the padding is given as numbers. */
  readonly dilations?: number | readonly [number, number]
  /** Channels fall into so many groups that do not see each other; default 1. */
  readonly groups?: number
}

type Pair = [number, number]
export const pair = (n: number | readonly [number, number]): Pair => (typeof n === 'number' ? [n, n] : [...n])
type Pads = [Pair, Pair, Pair, Pair]
/** A padding as tfjs takes it: of one number it makes a square. */
export const pads = (pad: Padding): 'same' | 'valid' | Pads => {
  if (pad === 'same' || pad === 'valid') return pad
  const [rows, columns] = typeof pad === 'number' ? [pair(pad), pair(pad)] : [pair(pad[0]), pair(pad[1])]
  return [[0, 0], rows, columns, [0, 0]]
}

/** Every `strides`-th row and column. */
const thinned = (y: Tensor, [rows, columns]: Pair): Tensor => tf.stridedSlice(y, [0, 0, 0, 0], [...y.shape], [1, rows, columns, 1])

function convolve(x: Tensor, filter: Tensor, { strides = 1, pad = 'same', dilations = 1 }: ConvOptions, depthwise: boolean): Tensor {
  const convolution = depthwise ? tf.depthwiseConv2d : tf.conv2d
  const [apart, between] = [pair(strides), pair(dilations)]
  const at = (steps: Pair): Tensor => convolution(x as Tensor4D, filter as Tensor4D, steps, pads(pad), 'NHWC', between)
  // tfjs has no convolution with both.
  return Math.max(...apart) > 1 && Math.max(...between) > 1 && typeof pad !== 'string' ? thinned(at([1, 1]), apart) : at(apart)
}

/** The convolution in groups of channels; a group a channel is one kernel. */
function grouped(x: Tensor, filter: Tensor, groups: number, options: ConvOptions): Tensor {
  if (groups === 1) return convolve(x, filter, options, false)
  const [height, width, , out] = filter.shape as [number, number, number, number]
  if (groups === x.shape[3]) return convolve(x, filter.reshape([height, width, groups, out / groups]), options, true)
  const filters = tf.split(filter, groups, 3)
  return tf.concat(
    tf.split(x, groups, 3).map((part, i) => convolve(part, filters[i]!, options, false)),
    3,
  )
}

/**
 * Convolution of images [n, h, w, in] with W = `<name>.kernel` [kh, kw, in / groups, out], plus b = `<name>.bias` [out], which may be absent.
 * Announces `<name>.in` and `<name>.out`. Throws `OCK-MODEL-006` where the groups do not divide the channels.
 */
export function conv(vars: Variables, name: string, h: Tensor, call: Call, options: ConvOptions = {}): Tensor {
  const filter = variable(vars, `${name}.kernel`)
  const bias = vars.params[`${name}.bias`] ?? vars.frozen[`${name}.bias`]
  const x = call.at(`${name}.in`, h)
  const groups = options.groups ?? 1
  if (x.shape[3]! % groups !== 0 || filter.shape[3]! % groups !== 0) {
    throw new InputError({
      code: 'OCK-MODEL-006',
      what: `${groups} groups of ${x.shape[3]} channels in and ${filter.shape[3]} out`,
      where: name,
      remedy: 'groups must divide both',
    })
  }
  const y = grouped(x, filter, groups, options)
  return call.at(`${name}.out`, bias ? y.add(bias) : y)
}

/** A scale of convolution kernels: those of dense ones, or uniform with variance 1 / (20 fan-in). */
export type ConvInit = Init | 'small-uniform'

/** `<name>.kernel` [size, size, in, out] and, with `bias`, a zero `<name>.bias` [out]. The stream is the kernel's own name below `key`. */
export function convInit(
  key: HostKey,
  name: string,
  size: number,
  channels: readonly [number, number],
  init: ConvInit,
  bias: boolean,
): Record<string, Value> {
  const shape = [size, size, ...channels]
  const [fanIn, fanOut] = channels.map((c) => c * size * size) as [number, number]
  const stream = key.fold(`${name}.kernel`)
  const made = init === 'small-uniform' ? uniformKernel(stream, shape, 1 / (20 * fanIn)) : kernel(stream, shape, init, fanIn, fanOut)
  const zeros: Value = { shape: [channels[1]], dtype: 'float32', data: new Float32Array(channels[1]) }
  return { [`${name}.kernel`]: made, ...(bias ? { [`${name}.bias`]: zeros } : {}) }
}

/** Largest (or, with `mean`, average) value in each window of size × size that tiles the image [n, h, w, c]. */
export function pooled(x: Tensor, size: number, kind: 'max' | 'mean' = 'max'): Tensor {
  return (kind === 'max' ? tf.maxPool : tf.avgPool)(x as Tensor4D, size, size, 'valid')
}

/** Average over all positions: [n, h, w, c] to [n, c]. */
export const globalPool = (x: Tensor): Tensor => x.mean([1, 2])
