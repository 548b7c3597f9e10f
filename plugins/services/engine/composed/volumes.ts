import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import type { Composed } from './composed.js'
import { each, lookedAt, lookedFrom, taken, type Along } from './taps.js'

const { tf } = kit

interface Attrs {
  readonly strides: [number, number, number]
  readonly pad: 'same' | 'valid' | number
  readonly dilations?: number | [number, number, number]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
  readonly filterSize: [number, number, number]
  readonly inputShape: Shape5D
}
type Shape5D = [number, number, number, number, number]
type Info = ReturnType<typeof tf.backend_util.computeConv3DInfo>

/** The windows along the depth. */
const depth = (i: Info): Along => ({
  size: i.inDepth,
  out: i.outDepth,
  taps: i.filterDepth,
  stride: i.strideDepth,
  dilation: i.dilationDepth,
  before: Math.max(0, i.padInfo.front),
})

/** Padding of an image, rows and columns, as far as windows reach. */
const pads = (i: Info): [[0, 0], [number, number], [number, number], [0, 0]] => {
  const reach = (out: number, stride: number, extent: number, size: number, before: number, after: number): number =>
    Math.max(after, (out - 1) * stride + extent - size - before)
  // Where a stride is longer than the filter tfjs pads by less than nothing; for images it does not.
  const [top, left, bottom, right] = (['top', 'left', 'bottom', 'right'] as const).map((side) => Math.max(0, i.padInfo[side])) as [number, number, number, number] // prettier-ignore
  return [
    [0, 0],
    [top, reach(i.outHeight, i.strideHeight, i.effectiveFilterHeight, i.inHeight, top, bottom)],
    [left, reach(i.outWidth, i.strideWidth, i.effectiveFilterWidth, i.inWidth, left, right)],
    [0, 0],
  ]
}

const convolution = (x: readonly number[], filter: readonly number[], a: Attrs): Info =>
  tf.backend_util.computeConv3DInfo(x as Shape5D, filter as Shape5D, a.strides, a.dilations ?? 1, a.pad)
const pooling = (x: Tensor, a: Attrs): Info =>
  tf.backend_util.computePool3DInfo(x.shape as Shape5D, a.filterSize, a.strides, 1, a.pad, a.dimRoundingMode)

/** Layers of a volume as images: [n d, h, w, c]. */
const images = (x: Tensor): Tensor4D => x.reshape([x.shape[0] * x.shape[1]!, ...x.shape.slice(2)])
const layer = (filter: Tensor, at: number): Tensor4D => filter.slice([at, 0, 0, 0, 0], [1, -1, -1, -1, -1]).reshape(filter.shape.slice(1))

/** A convolution of volumes is a sum over the filter's layers of convolutions of images. */
const conv3d: Composed = {
  inputs: ['x', 'filter'],
  of({ x, filter }, attrs) {
    const i = convolution(x!.shape, filter!.shape, attrs as unknown as Attrs)
    const along = depth(i)
    const sums = each(along.taps).map((tap) =>
      tf.conv2d(images(taken(x!, lookedAt(along, tap), 1, 0)), layer(filter!, tap), [i.strideHeight, i.strideWidth], pads(i), 'NHWC', [
        i.dilationHeight,
        i.dilationWidth,
      ]),
    )
    return tf.addN(sums).reshape(i.outShape)
  },
}

/** What flows back to the volumes: each layer of the filter gives to the layers that it looked at. */
const conv3dByInput: Composed = {
  inputs: ['dy', 'filter'],
  of({ dy, filter }, attrs) {
    const { inputShape, ...rest } = attrs as unknown as Attrs
    const i = convolution(inputShape, filter!.shape, { ...rest, inputShape })
    const along = depth(i)
    const [, , h, w, c] = inputShape
    const shares = each(along.taps).map((tap) => {
      const share = tf.conv2dTranspose(
        images(dy!),
        layer(filter!, tap),
        [dy!.shape[0] * along.out, h, w, c],
        [i.strideHeight, i.strideWidth],
        pads(i),
      )
      return taken(share.reshape([dy!.shape[0], along.out, h, w, c]), lookedFrom(along, tap), 1, 0)
    })
    return tf.addN(shares)
  },
}

/** Each image pooled, and then the images under each window. */
function pooled(x: Tensor, i: Info, pool: (x: Tensor4D) => Tensor, outside: number): Tensor[] {
  const flat = pool(images(x)).reshape([i.batchSize, i.inDepth, i.outHeight, i.outWidth, i.inChannels])
  return each(i.filterDepth).map((tap) => taken(flat, lookedAt(depth(i), tap), 1, outside))
}

const maxPool3d: Composed = {
  inputs: ['x'],
  of({ x }, attrs) {
    const i = pooling(x!, attrs as unknown as Attrs)
    const of = (t: Tensor4D): Tensor => tf.maxPool(t, [i.filterHeight, i.filterWidth], [i.strideHeight, i.strideWidth], pads(i))
    return pooled(x!, i, of, -Infinity).reduce((a, b) => tf.maximum(a, b))
  },
}

/** A mean over what lies inside is the mean, over images inside, of their means. */
const avgPool3d: Composed = {
  inputs: ['x'],
  of({ x }, attrs) {
    const i = pooling(x!, attrs as unknown as Attrs)
    const of = (t: Tensor4D): Tensor => tf.avgPool(t, [i.filterHeight, i.filterWidth], [i.strideHeight, i.strideWidth], pads(i))
    const inside = each(i.outDepth).map((at) => each(i.filterDepth).filter((tap) => lookedAt(depth(i), tap)[at]! >= 0).length)
    return tf.addN(pooled(x!, i, of, 0)).div(tf.tensor(inside, [1, i.outDepth, 1, 1, 1]))
  },
}

/** Kernels on volumes [n, d, h, w, c], made of those on images. */
export const volumes: Readonly<Record<string, Composed>> = {
  Conv3D: conv3d,
  Conv3DBackpropInputV2: conv3dByInput,
  MaxPool3D: maxPool3d,
  AvgPool3D: avgPool3d,
}
