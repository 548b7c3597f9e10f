import { tf, type Tensor, type Tensor4D } from 'ockham/tensor'
import { pads, pair, type ConvOptions } from '../networks/index.js'

type Shape4D = [number, number, number, number]

/** What a convolution's windows see of images [n, h, w, c]: [n, places, kh, kw, c], zeros beyond the image. */
export function patches(x: Tensor, [kh, kw]: readonly [number, number], { strides = 1, pad = 'same', dilations = 1 }: ConvOptions): Tensor {
  const [n, h, w, c] = x.shape as Shape4D
  const [s, d] = [pair(strides), pair(dilations)]
  const info = tf.backend_util.computeConv2DInfo([n, h, w, c], [kh, kw, c, 1], s, d, pads(pad))
  const { top, left } = info.padInfo
  const reach = (out: number, stride: number, extent: number, size: number, before: number): number =>
    Math.max(0, (out - 1) * stride + extent - size - before)
  const wide = tf.pad(x as Tensor4D, [
    [0, 0],
    [top, reach(info.outHeight, s[0], info.effectiveFilterHeight, h, top)],
    [left, reach(info.outWidth, s[1], info.effectiveFilterWidth, w, left)],
    [0, 0],
  ])
  const taps = Array.from({ length: kh * kw }, (_, tap) => {
    const [u, v] = [Math.floor(tap / kw) * d[0], (tap % kw) * d[1]]
    const end = [n, u + (info.outHeight - 1) * s[0] + 1, v + (info.outWidth - 1) * s[1] + 1, c]
    return tf.stridedSlice(wide, [0, u, v, 0], end, [1, s[0], s[1], 1]).reshape([n, info.outHeight * info.outWidth, c])
  })
  return tf.stack(taps, 2).reshape([n, info.outHeight * info.outWidth, kh, kw, c])
}
