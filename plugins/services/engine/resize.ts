import { kit } from './kit.js'

type Tensor = import('@tensorflow/tfjs-core').Tensor
const { tf } = kit

export interface ResizeAttrs {
  readonly alignCorners?: boolean
  readonly halfPixelCenters?: boolean
}
export type Resize = 'bilinear' | 'nearest'

/** Which source pixels an output pixel is made of, and with what weights: [index, weight] pairs. */
function sources(kind: Resize, at: number, from: number, ratio: number, attrs: ResizeAttrs): readonly (readonly [number, number])[] {
  if (kind === 'nearest') {
    const source = attrs.halfPixelCenters ? ratio * (at + 0.5) : ratio * at
    return [[Math.max(0, Math.min(from - 1, attrs.alignCorners ? Math.round(source) : Math.floor(source))), 1]]
  }
  const source = attrs.halfPixelCenters ? ratio * (at + 0.5) - 0.5 : ratio * at
  const low = Math.max(0, Math.floor(source))
  const high = Math.min(from - 1, Math.ceil(source))
  return [
    [low, 1 - (source - low)],
    [high, source - low],
  ]
}

/** The matrix [to, from] that resizes one axis: images are resized by one for the rows and one for the columns. */
export function resizeMatrix(kind: Resize, from: number, to: number, attrs: ResizeAttrs): Float32Array {
  const corners = Boolean(attrs.alignCorners) && to > 1
  const ratio = (corners ? from - 1 : from) / (corners ? to - 1 : to)
  const matrix = new Float32Array(to * from)
  for (let i = 0; i < to; i++) for (const [j, weight] of sources(kind, i, from, ratio, attrs)) matrix[i * from + j]! += weight
  return matrix
}

/** Rᵀ dy Cᵀ: what flows back to images [n, h, w, c] from dy [n, H, W, c]. Composed, so that it has derivatives of every order. */
export function resizeGradient(kind: Resize, images: Tensor, dy: Tensor, attrs: ResizeAttrs): Tensor {
  const [n, h, w, c] = images.shape as [number, number, number, number]
  const [, H, W] = dy.shape as [number, number, number]
  const rows = tf.tensor3d(resizeMatrix(kind, h, H, attrs), [1, H, h])
  const columns = tf.tensor3d(resizeMatrix(kind, w, W, attrs), [1, W, w])
  const down = tf.matMul(rows, dy.reshape([n, H, W * c]), true)
  return tf.matMul(columns, down.reshape([n * h, W, c]), true).reshape([n, h, w, c])
}
