import type { Call, HostKey, Value, Variables } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor, type Tensor4D } from 'ockham/tensor'
import { variable } from './dense.js'
import { kernel, uniformKernel, type Init } from './init.js'

export interface ConvOptions {
  /** Default 1. */
  readonly strides?: number | readonly [number, number]
  /** `same` (default), `valid`, or as many zeros on every side. */
  readonly pad?: 'same' | 'valid' | number
  /** Default 1. Not together with strides. */
  readonly dilations?: number | readonly [number, number]
  /** Channels fall into so many groups that do not see each other; default 1. */
  readonly groups?: number
}

type Pair = [number, number]
const pair = (n: number | readonly [number, number]): Pair => (typeof n === 'number' ? [n, n] : [...n])
type Pads = [Pair, Pair, Pair, Pair]
const pads = (pad: 'same' | 'valid' | number): 'same' | 'valid' | Pads =>
  typeof pad === 'number'
    ? [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ]
    : pad

function convolve(x: Tensor, filter: Tensor, { strides = 1, pad = 'same', dilations = 1 }: ConvOptions): Tensor {
  return tf.conv2d(x as Tensor4D, filter as Tensor4D, pair(strides), pads(pad), 'NHWC', pair(dilations))
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
  const filters = groups === 1 ? [filter] : tf.split(filter, groups, 3)
  const parts = groups === 1 ? [x] : tf.split(x, groups, 3)
  const made = parts.map((part, i) => convolve(part, filters[i]!, options))
  const y = groups === 1 ? made[0]! : tf.concat(made, 3)
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
