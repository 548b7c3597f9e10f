import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Call, Composition } from './compositions.js'
import { sizeOf } from './graph.js'
import { resizeMatrix, type Resize } from './resize.js'
import type { Attrs } from './signatures/row.js'
import { tf } from './tensor.js'

const toLast = [0, 2, 3, 1]
const toFirst = [0, 3, 1, 2]
const permuted = <T>(xs: readonly T[], perm: readonly number[]): T[] => perm.map((i) => xs[i]!)
const reshape = (call: Call, x: TensorInfo, shape: readonly number[]): TensorInfo => call('Reshape', { x }, { shape })

const pads = (pad: unknown): unknown => (Array.isArray(pad) ? permuted(pad as unknown[], toLast) : pad)

/** Runs a kernel that knows channels last alone on images with channels first: `images` names the inputs that are images. */
const channelsLast =
  (kernel: string, images: readonly string[], filter: boolean): Composition =>
  (inputs, attrs, call) => {
    if (attrs.dataFormat !== 'NCHW') return undefined
    const moved = Object.fromEntries(
      Object.entries(inputs).map(([name, x]) => [name, images.includes(name) ? call('Transpose', { x }, { perm: toLast }) : x]),
    )
    const shape = attrs.inputShape as readonly number[] | undefined
    const at: Attrs = { ...attrs, dataFormat: 'NHWC', pad: pads(attrs.pad), ...(shape ? { inputShape: permuted(shape, toLast) } : {}) }
    const y = call(kernel, moved, at)
    return filter ? y : call('Transpose', { x: y }, { perm: toFirst })
  }

/** Rows and columns are resized by a product with a matrix each, so that no machine needs a row for it. */
const resize =
  (kind: Resize): Composition =>
  ({ images }, attrs, call) => {
    const [n, h, w, c] = images!.shape as [number, number, number, number]
    const [H, W] = attrs.size as [number, number]
    const matrix = (from: number, to: number): TensorInfo => tf.tensor3d(resizeMatrix(kind, from, to, attrs), [1, to, from])
    const down = call('BatchMatMul', { a: matrix(h, H), b: reshape(call, images!, [n, h, w * c]) })
    const across = call('BatchMatMul', { a: matrix(w, W), b: reshape(call, down, [n * H, w, c]) })
    return reshape(call, across, [n, H, W, c])
  }

const activations: Readonly<Record<string, string>> = { relu: 'Relu', relu6: 'Relu6', elu: 'Elu', sigmoid: 'Sigmoid' }

/** A product, or convolution, followed by bias and activation. */
export const finished = (
  y: TensorInfo,
  { bias, preluActivationWeights: alpha }: Readonly<Record<string, TensorInfo>>,
  { activation, leakyreluAlpha }: Attrs,
  call: Call,
): TensorInfo => {
  const sum = bias ? call('Add', { a: y, b: bias }) : y
  if (activation === 'prelu') return call('Prelu', { x: sum, alpha: alpha! })
  if (activation === 'leakyrelu') return call('LeakyRelu', { x: sum }, { alpha: leakyreluAlpha })
  const kernel = activations[activation as string]
  return kernel ? call(kernel, { x: sum }) : sum
}

const fused =
  (kernel: string): Composition =>
  (inputs, attrs, call) => {
    const y = call(kernel, { x: inputs.x!, filter: inputs.filter! }, attrs)
    const flat = inputs.bias && sizeOf(inputs.bias.shape) === inputs.bias.shape.at(-1)
    const bias = flat && attrs.dataFormat === 'NCHW' ? reshape(call, inputs.bias!, [...inputs.bias!.shape.slice(-1), 1, 1]) : inputs.bias
    return finished(y, { ...inputs, ...(bias ? { bias } : {}) }, attrs, call)
  }

/** Kernels on images that are recorded as others; those with channels last are recorded as they are. */
export const imageCompositions: Readonly<Record<string, Composition>> = {
  FusedConv2D: fused('Conv2D'),
  FusedDepthwiseConv2D: fused('DepthwiseConv2dNative'),
  Conv2D: channelsLast('Conv2D', ['x'], false),
  Conv2DBackpropInput: channelsLast('Conv2DBackpropInput', ['dy'], false),
  Conv2DBackpropFilter: channelsLast('Conv2DBackpropFilter', ['x', 'dy'], true),
  ResizeBilinear: resize('bilinear'),
  ResizeNearestNeighbor: resize('nearest'),
}
