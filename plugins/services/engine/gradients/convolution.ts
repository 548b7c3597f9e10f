import type { GradFunc, Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import { padded, replace, supply, type Pair } from './supply.js'

const { tf } = kit

interface ConvAttrs {
  readonly strides: [number, number]
  readonly pad: 'same' | 'valid' | number
  readonly dataFormat?: 'NHWC' | 'NCHW'
  readonly dilations?: number | [number, number]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
}
type Shape4D = [number, number, number, number]
type Images = (shape: Shape4D, dy: Tensor, filter: Tensor, attrs: ConvAttrs) => Tensor

const pair = (d: number | readonly number[] | undefined): Pair =>
  Array.isArray(d) ? (d as unknown as Pair) : [Number(d ?? 1), Number(d ?? 1)]
const dilated = ({ dilations }: ConvAttrs): boolean => pair(dilations).some((d) => d !== 1)

const byInput: Images = (shape, dy, filter, { strides, pad, dataFormat = 'NHWC', dimRoundingMode }) =>
  // tfjs types this one with the shape first, and names it differently in public.
  tf.engine().runKernel('Conv2DBackpropInput', { dy, filter }, { strides, pad, dataFormat, dimRoundingMode, inputShape: shape } as never)

const byFilter = (x: Tensor, dy: Tensor, filterShape: readonly number[], attrs: ConvAttrs): Tensor => {
  const { strides, pad, dataFormat = 'NHWC', dimRoundingMode } = attrs
  return tf.engine().runKernel('Conv2DBackpropFilter', { x, dy }, { strides, pad, dataFormat, dimRoundingMode, filterShape } as never)
}

const convolve = (x: Tensor, filter: Tensor, { strides, pad, dataFormat = 'NHWC', dimRoundingMode }: ConvAttrs): Tensor =>
  tf.conv2d(x as Tensor4D, filter as Tensor4D, strides, pad, dataFormat, 1, dimRoundingMode)

/**
 * Gradients of a convolution with dilation d and stride 1, images [n, h, w, c]. By the input: dy convolved with the mirrored filter at the same
 * dilation. By the filter: x convolved with dy at stride d, with examples and channels in each other's place.
 */
function dilatedGradients(dy: Tensor4D, x: Tensor4D, filter: Tensor4D, attrs: ConvAttrs): { x: () => Tensor; filter: () => Tensor } {
  const dilations = pair(attrs.dilations)
  const info = tf.backend_util.computeConv2DInfo(x.shape, filter.shape, attrs.strides, [...dilations], attrs.pad, attrs.dimRoundingMode)
  const before: Pair = [info.padInfo.top, info.padInfo.left]
  const extent: Pair = [info.effectiveFilterHeight, info.effectiveFilterWidth]
  const size: Pair = [info.inHeight, info.inWidth]
  const out: Pair = [info.outHeight, info.outWidth]
  const around = (of: Tensor, widths: (axis: 0 | 1) => Pair): Tensor4D => padded(of, [[0, 0], widths(0), widths(1), [0, 0]]) as Tensor4D
  return {
    x: () => {
      const wide = around(dy, (a) => [extent[a] - 1 - before[a], size[a] - out[a] + before[a]])
      const mirrored = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2])
      return tf.conv2d(wide, mirrored, 1, 'valid', 'NHWC', [...dilations])
    },
    filter: () => {
      const wide = around(x, (a) => [before[a], out[a] - 1 + extent[a] - size[a] - before[a]])
      const swapped = tf.transpose<Tensor4D>(wide, [3, 1, 2, 0])
      const weights = tf.transpose<Tensor4D>(dy, [1, 2, 0, 3])
      return tf.transpose(tf.conv2d(swapped, weights, [...dilations], 'valid'), [1, 2, 0, 3])
    },
  }
}

const convolution: GradFunc = (seed, saved, given) => {
  const attrs = given as unknown as ConvAttrs
  const [dy, x, filter] = [seed as Tensor4D, saved[0] as Tensor4D, saved[1] as Tensor4D]
  if (!dilated(attrs)) {
    return { x: () => byInput(x.shape, dy, filter, attrs), filter: () => byFilter(x, dy, filter.shape, attrs) }
  }
  if (attrs.dataFormat !== 'NCHW') return dilatedGradients(dy, x, filter, attrs)
  const [toLast, toFirst] = [
    [0, 2, 3, 1],
    [0, 3, 1, 2],
  ]
  const g = dilatedGradients(tf.transpose(dy, toLast), tf.transpose(x, toLast), filter, { ...attrs, dataFormat: 'NHWC' })
  return { x: () => tf.transpose(g.x(), toFirst), filter: g.filter }
}
// tfjs refuses dilations.
replace('Conv2D', ['x', 'filter'], convolution)

// The gradient by the filter is linear in the images and in dy: its own gradients are the other two convolutions.
supply('Conv2DBackpropFilter', ['x', 'dy'], (seed, saved, given) => {
  const attrs = given as unknown as ConvAttrs
  const [g, x, dy] = [seed as Tensor, saved[0] as Tensor4D, saved[1]!]
  return { x: () => byInput(x.shape, dy, g, attrs), dy: () => convolve(x, g, attrs) }
})

interface DepthwiseAttrs extends ConvAttrs {
  readonly dilations: [number, number]
}

const depthwise = (x: Tensor, filter: Tensor, { strides, pad, dimRoundingMode }: ConvAttrs): Tensor =>
  tf.depthwiseConv2d(x as Tensor4D, filter as Tensor4D, strides, pad, 'NHWC', [1, 1], dimRoundingMode)

const once = [1, 1]
const depthwiseByInput: Images = (inputShape, dy, filter, { strides, pad, dimRoundingMode }) =>
  tf.engine().runKernel('DepthwiseConv2dNativeBackpropInput', { dy, filter }, {
    strides,
    pad,
    dimRoundingMode,
    dilations: once,
    inputShape,
  } as never)

const depthwiseByFilter = (x: Tensor, dy: Tensor, filterShape: readonly number[], { strides, pad, dimRoundingMode }: ConvAttrs): Tensor =>
  tf
    .engine()
    .runKernel('DepthwiseConv2dNativeBackpropFilter', { x, dy }, { strides, pad, dimRoundingMode, dilations: once, filterShape } as never)

/** A filter [kh, kw, …] with d − 1 zeros between its entries: the same convolution without dilation. */
function stretched(filter: Tensor, [dh, dw]: Pair): Tensor {
  const [kh, kw, c, m] = filter.shape as Shape4D
  const apart = tf.pad(filter.reshape([kh, 1, kw, 1, c * m]), [
    [0, 0],
    [0, dh - 1],
    [0, 0],
    [0, dw - 1],
    [0, 0],
  ])
  return tf.slice(apart.reshape([kh * dh, kw * dw, c, m]), [0, 0, 0, 0], [(kh - 1) * dh + 1, (kw - 1) * dw + 1, c, m])
}

/** The entries of a stretched filter that are not zeros between. */
function compressed(wide: Tensor, [dh, dw]: Pair, [kh, kw, c, m]: Shape4D): Tensor {
  const whole = tf.pad(wide, [
    [0, dh - 1],
    [0, dw - 1],
    [0, 0],
    [0, 0],
  ])
  return tf.slice(whole.reshape([kh, dh, kw, dw, c * m]), [0, 0, 0, 0, 0], [kh, 1, kw, 1, c * m]).reshape([kh, kw, c, m])
}

// tfjs refuses dilations, and its kernels of the gradients ignore them.
replace('DepthwiseConv2dNative', ['x', 'filter'], (seed, saved, given) => {
  const attrs = given as unknown as DepthwiseAttrs
  const [dy, x, filter] = [seed as Tensor, saved[0] as Tensor4D, saved[1] as Tensor4D]
  const d = pair(attrs.dilations)
  const wide = dilated(attrs) ? stretched(filter, d) : filter
  const byWide = (): Tensor => depthwiseByFilter(x, dy, wide.shape, attrs)
  return {
    x: () => depthwiseByInput(x.shape, dy, wide, attrs),
    filter: () => (dilated(attrs) ? compressed(byWide(), d, filter.shape) : byWide()),
  }
})

supply('DepthwiseConv2dNativeBackpropInput', ['dy', 'filter'], (seed, saved, given) => {
  const attrs = given as unknown as DepthwiseAttrs
  const [g, dy, filter] = [seed as Tensor, saved[0]!, saved[1]!]
  return { dy: () => depthwise(g, filter, attrs), filter: () => depthwiseByFilter(g, dy, filter.shape, attrs) }
})

supply('DepthwiseConv2dNativeBackpropFilter', ['x', 'dy'], (seed, saved, given) => {
  const attrs = given as unknown as DepthwiseAttrs
  const [g, x, dy] = [seed as Tensor, saved[0] as Tensor4D, saved[1]!]
  return { x: () => depthwiseByInput(x.shape, dy, g, attrs), dy: () => depthwise(x, g, attrs) }
})
