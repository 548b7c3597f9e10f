import type { Tensor } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import type { Composed } from './composed.js'

const { tf } = kit
const { getReshaped, getPermuted, getReshapedPermuted, getSliceBeginCoords, getSliceSize } = tf.backend_util
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

const batchToSpace: Composed = {
  inputs: ['x'],
  of({ x }, attrs) {
    const { blockShape, crops } = attrs as { blockShape: number[]; crops: number[][] }
    const size = product(blockShape)
    const split = getReshaped(x!.shape, blockShape, size)
    const joined = getReshapedPermuted(x!.shape, blockShape, size)
    const whole = x!.reshape(split).transpose(getPermuted(split.length, blockShape.length)).reshape(joined)
    return whole.slice(getSliceBeginCoords(crops, blockShape.length), getSliceSize(joined, crops, blockShape.length))
  },
}

const spaceToBatch: Composed = {
  inputs: ['x'],
  of({ x }, attrs) {
    const { blockShape, paddings } = attrs as { blockShape: number[]; paddings: [number, number][] }
    const size = product(blockShape)
    const none: [number, number] = [0, 0]
    const padded = x!.pad([none, ...paddings, ...x!.shape.slice(1 + blockShape.length).map(() => none)])
    const split = getReshaped(padded.shape, blockShape, size, false)
    const joined = getReshapedPermuted(padded.shape, blockShape, size, false)
    return padded
      .reshape(split)
      .transpose(getPermuted(split.length, blockShape.length, false))
      .reshape(joined)
  },
}

const diag: Composed = {
  inputs: ['x'],
  of({ x }) {
    const { size: n, dtype, shape } = x!
    const placed = tf.mul(x!.reshape([n, 1]), tf.eye(n, n, undefined, dtype === 'float32' ? dtype : 'int32')).reshape([...shape, ...shape])
    return dtype === 'bool' ? tf.cast(placed, dtype) : placed
  },
}

/** Where `indices` [..., depth] point to in a tensor of this shape: updates there, `elsewhere` at other places. */
function placed(indices: Tensor, updates: Tensor, shape: readonly number[], elsewhere: Tensor): Tensor {
  const depth = indices.shape.at(-1)!
  const marks = tf.scatterND(indices, tf.ones(indices.shape.slice(0, -1)), shape.slice(0, depth))
  const rest = Array<number>(shape.length - depth).fill(1)
  const hit = tf.tile(marks.greater(0).reshape([...shape.slice(0, depth), ...rest]), [...Array<number>(depth).fill(1), ...shape.slice(depth)]) // prettier-ignore
  return tf.where(hit, tf.scatterND(indices, updates, [...shape]), elsewhere)
}

const update: Composed = {
  inputs: ['tensor', 'indices', 'updates'],
  of: ({ tensor, indices, updates }) => placed(indices!, updates!, tensor!.shape, tensor!),
}

const sparseToDense: Composed = {
  inputs: ['sparseIndices', 'sparseValues', 'defaultValue'],
  of({ sparseIndices: given, sparseValues: values, defaultValue }, attrs) {
    const shape = attrs.outputShape as number[]
    const count = given!.rank === 0 ? 1 : given!.shape[0]
    const indices = given!.reshape([count, given!.rank === 2 ? given!.shape[1]! : 1])
    const updates = values!.rank === 0 ? tf.tile(values!.reshape([1]), [count]) : values!
    return placed(indices, updates, shape, tf.tile(defaultValue!.reshape(shape.map(() => 1)), shape))
  },
}

/** Kernels that put elements to places, made of others. Each place must be named once: which of several updates wins is left open. */
export const placings: Readonly<Record<string, Composed>> = {
  BatchToSpaceND: batchToSpace,
  SpaceToBatchND: spaceToBatch,
  Diag: diag,
  TensorScatterUpdate: update,
  SparseToDense: sparseToDense,
}
