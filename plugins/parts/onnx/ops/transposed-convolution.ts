import { tf, type Tensor, type Tensor4D } from 'ockham/tensor'
import type { At } from '../at.js'
import { pair, type Pair } from './pairs.js'

/** A kernel with zeros between its taps along an axis: what a dilation of `by` makes of it. */
function stretched(kernel: Tensor4D, axis: 0 | 1, by: number): Tensor4D {
  if (by === 1) return kernel
  const [h, w, o, i] = kernel.shape
  const [before, taps, after] = axis === 0 ? [1, h, w * o * i] : [h, w, o * i]
  const spaced = kernel.reshape([before * taps, 1, after]).pad([[0, 0], [0, by - 1], [0, 0]]) // prettier-ignore
  const reach = (taps - 1) * by + 1
  const cut = spaced.reshape([before, taps * by, after]).slice([0, 0, 0], [before, reach, after])
  return cut.reshape(axis === 0 ? [reach, w, o, i] : [h, reach, o, i])
}

/** Where the result begins in all that the windows reach, and how long it is. */
function cutOf(at: At, axis: 0 | 1, length: number, stride: number, reached: number): { readonly begin: number; readonly size: number } {
  const said = at.text('auto_pad', 'NOTSET')
  const [wanted, given] = [at.ints('output_shape'), at.ints('pads')]
  const sames = said === 'SAME_UPPER' || said === 'SAME_LOWER'
  if (wanted || sames) {
    const size = wanted ? pair(wanted.slice(-2), 1)[axis] : length * stride
    const all = Math.max(0, reached - size)
    return { begin: said === 'SAME_UPPER' ? Math.floor(all / 2) : Math.ceil(all / 2), size }
  }
  if (said === 'VALID' || !given) return { begin: 0, size: reached }
  const [before, after] = given.length === 2 ? (axis === 0 ? [0, 0] : [given[0]!, given[1]!]) : [given[axis]!, given[axis + 2]!]
  return { begin: before, size: reached - before - after }
}

/** Each pixel of x [n, h, w, c] times the kernel, added up where they meet; weights [c, out / groups, kh, kw] as the file has them. */
export function transposedConvolution(at: At, x: Tensor4D, weights: Tensor): Tensor {
  const [strides, dilations, more] = [pair(at.ints('strides'), 1), pair(at.ints('dilations'), 1), pair(at.ints('output_padding'), 0)]
  const groups = at.int('group', 1)
  const kernel = stretched(stretched(weights.transpose([2, 3, 1, 0]), 0, dilations[0]), 1, dilations[1])
  const reached = ([0, 1] as const).map((axis) => (x.shape[axis + 1]! - 1) * strides[axis] + kernel.shape[axis]) as Pair
  const [xs, kernels] = [x, kernel].map((t) => (groups === 1 ? [t] : tf.split(t, groups, 3))) as [Tensor4D[], Tensor4D[]]
  const parts = xs.map((part, g) => tf.conv2dTranspose(part, kernels[g]!, [x.shape[0], ...reached, kernel.shape[2]], strides, 'valid'))
  const cuts = ([0, 1] as const).map((axis) => cutOf(at, axis, x.shape[axis + 1]!, strides[axis], reached[axis] + more[axis]))
  const [rows, columns] = cuts.map(({ begin, size }, axis): Pair => [0, Math.max(0, begin + size - reached[axis]!)]) as [Pair, Pair]
  const whole = tf.concat(parts, 3).pad([[0, 0], rows, columns, [0, 0]])
  const y = whole.slice([0, cuts[0]!.begin, cuts[1]!.begin, 0], [x.shape[0], cuts[0]!.size, cuts[1]!.size, whole.shape[3]!])
  return at.has(2) ? y.add(at.x(2)) : y
}
