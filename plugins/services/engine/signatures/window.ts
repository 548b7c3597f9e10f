import { tf } from '../tensor.js'
import { Mismatch, type Attrs, type Shape } from './row.js'

/** A window that slides over images [n, height, width, channels]. */
export interface Window {
  readonly batch: number
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly outHeight: number
  readonly outWidth: number
  readonly outChannels: number
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly dilations: readonly [number, number]
  /** Rows before the first, columns before the first. */
  readonly before: readonly [number, number]
  /** Rows after the last, columns after the last, that windows reach. */
  readonly after: readonly [number, number]
}

type Info = ReturnType<typeof tf.backend_util.computeConv2DInfo>
type Shape4D = [number, number, number, number]

/** tfjs' geometry; what it refuses is a {@link Mismatch}. */
function window(info: () => Info): Window {
  let i: Info
  try {
    i = info()
  } catch (error) {
    throw new Mismatch(error instanceof Error ? error.message : String(error))
  }
  if (i.outHeight < 1 || i.outWidth < 1)
    throw new Mismatch(`a window of [${i.filterHeight}, ${i.filterWidth}] does not fit into [${i.inShape}]`)
  const { top, left, bottom, right } = i.padInfo
  // What ceil-rounding reaches beyond is padding too; then rounding needs no mention.
  const reach = (out: number, stride: number, extent: number, size: number, before: number): number =>
    (out - 1) * stride + extent - size - before
  return {
    batch: i.batchSize,
    height: i.inHeight,
    width: i.inWidth,
    channels: i.inChannels,
    outHeight: i.outHeight,
    outWidth: i.outWidth,
    outChannels: i.outChannels,
    kernel: [i.filterHeight, i.filterWidth],
    strides: [i.strideHeight, i.strideWidth],
    dilations: [i.dilationHeight, i.dilationWidth],
    before: [top, left],
    after: [
      Math.max(bottom, reach(i.outHeight, i.strideHeight, i.effectiveFilterHeight, i.inHeight, top)),
      Math.max(right, reach(i.outWidth, i.strideWidth, i.effectiveFilterWidth, i.inWidth, left)),
    ],
  }
}

type Pad = Parameters<typeof tf.backend_util.computeConv2DInfo>[4]
type Rounding = Parameters<typeof tf.backend_util.computeConv2DInfo>[5]
type Pair = [number, number]

const four = (shape: Shape, what: string): Shape4D => {
  if (shape.length !== 4) throw new Mismatch(`${what} has rank ${shape.length}, not 4`)
  return [...shape] as Shape4D
}

/** A number of zeros on every side, said for each: with one number tfjs takes the filter's height for its width too. */
const sides = (pad: unknown): Pad =>
  typeof pad === 'number'
    ? [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ]
    : (pad as Pad)

/** The window of a convolution of images [n, h, w, c] with a filter [kh, kw, c, o], or [kh, kw, c, m] depthwise. */
export function convolutionWindow(x: Shape, filter: Shape, attrs: Attrs, depthwise = false): Window {
  if ((attrs.dataFormat ?? 'NHWC') !== 'NHWC') throw new Mismatch(`data format ${String(attrs.dataFormat)}`)
  const [images, weights] = [four(x, 'the input'), four(filter, 'the filter')]
  if (weights[2] !== images[3]) throw new Mismatch(`${images[3]} channels, but a filter for ${weights[2]}`)
  const { strides, dilations, pad, dimRoundingMode } = attrs
  const rounding = (dimRoundingMode ?? undefined) as Rounding
  return window(() =>
    tf.backend_util.computeConv2DInfo(images, weights, strides as Pair, (dilations ?? 1) as Pair, sides(pad), rounding, depthwise),
  )
}

/** The window of a pooling of images [n, h, w, c]. */
export function poolingWindow(x: Shape, attrs: Attrs): Window {
  const { filterSize, strides, pad, dimRoundingMode } = attrs
  const rounding = (dimRoundingMode ?? undefined) as Rounding
  const images = four(x, 'the input')
  return window(() => tf.backend_util.computePool2DInfo(images, filterSize as Pair, strides as Pair, 1, sides(pad), rounding))
}

/** A window's strides and paddings as attributes that every tfjs kernel reads alike. */
export const windowAttrs = ({ strides, before, after }: Window): Attrs => ({
  strides: [...strides],
  pad: [
    [0, 0],
    [before[0], after[0]],
    [before[1], after[1]],
    [0, 0],
  ],
})
