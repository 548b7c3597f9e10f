import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import { replace, supply } from './supply.js'

const { tf } = kit

interface PoolAttrs {
  readonly filterSize: [number, number]
  readonly strides: [number, number]
  readonly pad: Parameters<typeof tf.avgPool>[3]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
}
type Info = ReturnType<typeof tf.backend_util.computePool2DInfo>

const infoOf = (x: Tensor4D, { filterSize, strides, pad, dimRoundingMode }: PoolAttrs): Info =>
  tf.backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad, dimRoundingMode)

/** Visits the pixels of each window: its place among the windows, its place in the window, and the pixel, or −1 outside the image. */
function eachPixel(i: Info, visit: (window: number, tap: number, pixel: number) => void): void {
  for (let p = 0; p < i.outHeight; p++)
    for (let q = 0; q < i.outWidth; q++)
      for (let u = 0; u < i.filterHeight; u++)
        for (let v = 0; v < i.filterWidth; v++) {
          const [r, s] = [p * i.strideHeight + u - i.padInfo.top, q * i.strideWidth + v - i.padInfo.left]
          const inside = r >= 0 && s >= 0 && r < i.inHeight && s < i.inWidth
          visit(p * i.outWidth + q, u * i.filterWidth + v, inside ? r * i.inWidth + s : -1)
        }
}

const sizeOf = (i: Info): number => i.filterHeight * i.filterWidth

/** Pixels of the image under each window: [1, H, W, 1]. Whole numbers, which are exact in float64 programs too. */
function counts(i: Info): Tensor {
  const found = new Float32Array(i.outHeight * i.outWidth)
  eachPixel(i, (window, _, pixel) => void (found[window]! += pixel < 0 ? 0 : 1))
  return tf.tensor4d(found, [1, i.outHeight, i.outWidth, 1])
}

const overhangs = (i: Info): boolean => (settled(i).pad as readonly (readonly number[])[]).some(([before, after]) => before! + after! > 0)

/** The same windows with all padding said, which every kernel reads alike: those of tfjs' gradients know no rounding. */
function settled(i: Info): PoolAttrs {
  const reach = (out: number, stride: number, size: number, filter: number, before: number): number =>
    (out - 1) * stride + filter - size - before
  const { top, left, bottom, right } = i.padInfo
  return {
    filterSize: [i.filterHeight, i.filterWidth],
    strides: [i.strideHeight, i.strideWidth],
    pad: [
      [0, 0],
      [top, Math.max(bottom, reach(i.outHeight, i.strideHeight, i.inHeight, i.filterHeight, top))],
      [left, Math.max(right, reach(i.outWidth, i.strideWidth, i.inWidth, i.filterWidth, left))],
      [0, 0],
    ],
  }
}

// tfjs divides by the size of the window where part of it lies outside, though the mean is over what lies inside.
replace('AvgPool', ['x'], (seed, saved, given) => {
  const [dy, x] = [seed as Tensor, saved[0] as Tensor4D]
  const info = infoOf(x, given as unknown as PoolAttrs)
  const even = (): Tensor => (overhangs(info) ? tf.mul(dy, sizeOf(info)).div(counts(info)) : dy)
  return { x: () => tf.engine().runKernel('AvgPoolGrad', { dy: even(), input: x }, settled(info) as never) }
})

tf.unregisterGradient('MaxPool')
tf.registerGradient({
  kernelName: 'MaxPool',
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, saved, given) => {
    const [x, y] = saved as [Tensor4D, Tensor]
    const attrs = settled(infoOf(x, given as unknown as PoolAttrs))
    return { x: () => tf.engine().runKernel('MaxPoolGrad', { dy: dy as Tensor, input: x, output: y }, attrs as never) }
  },
})

supply('AvgPoolGrad', ['input'], (seed, saved, given) => {
  const [g, x] = [seed as Tensor4D, saved[0] as Tensor4D]
  const info = infoOf(x, given as unknown as PoolAttrs)
  const { filterSize, strides, pad } = settled(info)
  const dy = (): Tensor => {
    const mean = tf.avgPool(g, filterSize, strides, pad)
    return overhangs(info) ? tf.mul(mean, counts(info)).div(sizeOf(info)) : mean
  }
  return { dy, input: () => tf.zerosLike(x) }
})

/** Pixels of x [n, h, w, c] by place in the window: [n, taps, windows, c], with `outside` beyond the image. */
function taps(x: Tensor4D, i: Info, outside: number): Tensor {
  const [n, h, w, c] = x.shape
  const [windows, size] = [i.outHeight * i.outWidth, i.filterHeight * i.filterWidth]
  const index = new Int32Array(size * windows)
  eachPixel(i, (window, tap, pixel) => void (index[tap * windows + window] = pixel < 0 ? h * w : pixel))
  const rows = tf.concat([x.reshape([n, h * w, c]), tf.fill([n, 1, c], outside)], 1)
  return tf.gather(rows, tf.tensor1d(index, 'int32'), 1).reshape([n, size, windows, c])
}

// What flows back goes to the first maximum of each window, so its own gradient is read from there.
supply('MaxPoolGrad', ['input', 'output'], (seed, saved, given) => {
  const [g, x, y] = [seed as Tensor4D, saved[0] as Tensor4D, saved[1] as Tensor4D]
  const info = infoOf(x, given as unknown as PoolAttrs)
  const dy = (): Tensor => {
    const [n, h, w, c] = y.shape
    const hits = tf.cast(tf.equal(taps(x, info, -Infinity), y.reshape([n, 1, h * w, c])), 'float32')
    const first = hits.mul(tf.cast(tf.equal(tf.cumsum(hits, 1, true), 0), 'float32'))
    return taps(g, info, 0).mul(first).sum(1).reshape(y.shape)
  }
  return { dy, input: () => tf.zerosLike(x), output: () => tf.zerosLike(y) }
})
