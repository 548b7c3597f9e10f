import type { Held } from '../engine/machine.js'

type Attrs = Readonly<Record<string, unknown>>
type Sizes = readonly [number, number]

/** Rows and columns of the image, and of the window, of each kernel that has windows. */
const windows: Readonly<
  Record<string, (shape: (i: number) => readonly number[], attrs: Attrs) => { image: readonly number[]; window: readonly number[] }>
> = {
  Conv2D: (shape) => ({ image: shape(0), window: shape(1) }),
  DepthwiseConv2dNative: (shape) => ({ image: shape(0), window: shape(1) }),
  Conv2DBackpropInput: (shape, attrs) => ({ image: attrs['inputShape'] as number[], window: shape(1) }),
  DepthwiseConv2dNativeBackpropInput: (shape, attrs) => ({ image: attrs['inputShape'] as number[], window: shape(1) }),
  Conv2DBackpropFilter: (shape, attrs) => ({ image: shape(0), window: attrs['filterShape'] as number[] }),
  DepthwiseConv2dNativeBackpropFilter: (shape, attrs) => ({ image: shape(0), window: attrs['filterShape'] as number[] }),
  MaxPool: (shape, attrs) => ({ image: shape(0), window: pair(attrs['filterSize']) }),
  AvgPool: (shape, attrs) => ({ image: shape(0), window: pair(attrs['filterSize']) }),
  MaxPoolGrad: (shape, attrs) => ({ image: shape(1), window: pair(attrs['filterSize']) }),
  AvgPoolGrad: (shape, attrs) => ({ image: shape(1), window: pair(attrs['filterSize']) }),
}

const pair = (n: unknown): Sizes => (typeof n === 'number' ? [n, n] : (n as Sizes))

/** What `same` pads along an axis, before and after. */
function same(length: number, size: number, stride: number, dilation: number): Sizes {
  const all = Math.max(0, (Math.ceil(length / stride) - 1) * stride + (size - 1) * dilation + 1 - length)
  return [Math.floor(all / 2), Math.ceil(all / 2)]
}

/**
 * Attributes with the padding as TensorFlow wants it: graphs have it in numbers, and most of its kernels know `valid` and `same` alone. The
 * attributes as they are where they have no padding; undefined where the numbers are neither.
 */
export function worded(kernel: string, inputs: readonly Held[], attrs: Attrs): Attrs | undefined {
  const { pad } = attrs
  const sizes = windows[kernel]?.((i) => inputs[i]!.info.shape, attrs)
  if (!sizes || !Array.isArray(pad)) return attrs
  const given = (pad as readonly Sizes[]).slice(1, 3)
  if (given.flat().every((p) => p === 0)) return { ...attrs, pad: 'valid' }
  const [strides, dilations] = [pair(attrs['strides'] ?? 1), pair(attrs['dilations'] ?? 1)]
  const image = sizes.image.slice(1, 3)
  const fits = given.every((p, axis) => String(p) === String(same(image[axis]!, sizes.window[axis]!, strides[axis]!, dilations[axis]!)))
  return fits ? { ...attrs, pad: 'same' } : undefined
}
