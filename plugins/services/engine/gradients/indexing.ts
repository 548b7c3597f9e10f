import type { NamedAttrMap, Tensor } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import { resizeGradient, type Resize } from '../resize.js'
import { strided } from '../strided.js'
import { replace, supply } from './supply.js'

const { tf } = kit

// Elements that the slice took get their gradient, the others zero: a gather by the places in reverse.
supply('StridedSlice', ['x'], (seed, saved, attrs) => {
  const [dy, x] = [seed as Tensor, saved[0]!]
  const size = x.size
  const places = tf.range(0, size, 1, 'int32').reshape(x.shape)
  const taken = tf
    .engine()
    .runKernel<Tensor>('StridedSlice', { x: places }, strided(x.shape, attrs).attrs as NamedAttrMap)
    .dataSync()
  const index = new Int32Array(size).fill(taken.length)
  taken.forEach((at, i) => void (index[at] = i))
  const padded = tf.concat([dy.reshape([taken.length]), tf.zeros([1])])
  return { x: () => tf.gather(padded, tf.tensor1d(index, 'int32')).reshape(x.shape) }
})

/** The matrix [before + n + after, n] that mirrors an axis at its ends: `reflect` leaves the last element itself out. */
function mirror(n: number, before: number, after: number, mode: string): Tensor {
  const rows = before + n + after
  const offset = mode === 'reflect' ? 1 : 0
  const matrix = new Float32Array(rows * n)
  for (let i = 0; i < rows; i++) {
    const at = i - before
    matrix[i * n + (at < 0 ? -at - 1 + offset : at >= n ? 2 * n - 1 - at - offset : at)] = 1
  }
  return tf.tensor3d(matrix, [1, rows, n])
}

// tfjs cuts the padding off, though what it mirrors depends on the input too.
replace('MirrorPad', ['x'], (seed, saved, attrs) => {
  const { paddings, mode } = attrs as unknown as { paddings: readonly (readonly [number, number])[]; mode: string }
  const [dy, x] = [seed as Tensor, saved[0]!]
  const folded = (g: Tensor, [before, after]: readonly [number, number], axis: number): Tensor => {
    if (before + after === 0) return g
    const [outer, inner] = [g.shape.slice(0, axis), g.shape.slice(axis + 1)]
    const n = x.shape[axis]!
    const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
    const stack = g.reshape([size(outer), g.shape[axis]!, size(inner)])
    return tf.matMul(mirror(n, before, after, mode), stack, true).reshape([...outer, n, ...inner])
  }
  return { x: () => paddings.reduce(folded, dy) }
})

// The k largest are elements of x, at the places that the kernel gives.
if (!tf.getGradient('TopK')) {
  tf.registerGradient({
    kernelName: 'TopK',
    inputsToSave: ['x'],
    outputsToSave: [false, true],
    gradFunc: (seed, saved) => {
      const [dy] = seed as Tensor[]
      const [x, indices] = saved as [Tensor, Tensor]
      const places = tf.cast(tf.oneHot(indices, x.shape.at(-1)!), 'float32')
      return { x: () => places.mul(dy!.expandDims(-1)).sum(-2) }
    },
  })
}

const resize = (kernel: string, kind: Resize): void =>
  replace(kernel, ['images'], (dy, saved, attrs) => ({
    images: () => resizeGradient(kind, saved[0]!, dy as Tensor, attrs),
  }))
// tfjs' kernels of these gradients ignore half-pixel centres, one mixes up height and width, and none has a gradient.
resize('ResizeBilinear', 'bilinear')
resize('ResizeNearestNeighbor', 'nearest')
