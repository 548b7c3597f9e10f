import type { GradFunc, Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import './gradients/composed.js'
import './gradients/convolution.js'
import './gradients/corrections.js'
import './gradients/indexing.js'
import './gradients/pooling.js'
import './gradients/products.js'
import { supply } from './gradients/supply.js'
import { kit } from './kit.js'
import { mendTape } from './tape.js'

const { tf } = kit
mendTape()

/** Comparisons and choices are flat almost everywhere; tfjs refuses to differentiate around most of them. */
const flat = (kernelName: string, ...inputs: string[]): void =>
  supply(kernelName, inputs, (_, saved) => Object.fromEntries(inputs.map((name, i) => [name, () => tf.zeros(saved[i]!.shape)])))

for (const comparison of ['Equal', 'NotEqual', 'Greater', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr', 'LogicalXor', 'BitwiseAnd'])
  flat(comparison, 'a', 'b')
for (const kernel of ['LogicalNot', 'All', 'Any']) flat(kernel, 'x')

// dy · (1 if y > 0 else y + 1); by y: dy where y ≤ 0.
supply('EluGrad', ['dy', 'y'], (seed, saved) => {
  const g = seed as Tensor
  const [dy, y] = saved as [Tensor, Tensor]
  const below = tf.cast(tf.lessEqual(y, 0), 'float32')
  return { dy: () => g.mul(tf.add(1, below.mul(y))), y: () => g.mul(dy).mul(below) }
})

supply('GatherNd', ['params', 'indices'], (dy, saved) => {
  const [params, indices] = saved as [Tensor, Tensor]
  return { params: () => tf.scatterND(indices, dy as Tensor, params.shape), indices: () => tf.zeros(indices.shape) }
})

supply('ScatterNd', ['indices'], (dy, saved) => {
  const [indices] = saved as [Tensor]
  return { indices: () => tf.zeros(indices.shape), updates: () => tf.gatherND(dy as Tensor, indices) }
})

/**
 * x [B, O, D, N] gathered along D by indices [B, I]: the gradient sums the rows of dy by index, all batches in one pass.
 * It replaces tfjs' own, which makes a pass for each batch element and returns int32 for the indices.
 */
const gather: GradFunc = (seed, saved, attrs) => {
  const dy = seed as Tensor
  const [x, indices] = saved as [Tensor, Tensor]
  const { axis = 0, batchDims = 0 } = attrs as { axis?: number; batchDims?: number }
  const along = axis < 0 ? axis + x.rank : axis
  const size = (from: number, to: number): number => x.shape.slice(from, to).reduce((a, b) => a * b, 1)
  const [B, O, D, N] = [size(0, batchDims), size(batchDims, along), x.shape[along]!, size(along + 1, x.rank)]
  const I = indices.size / B
  const byX = (): Tensor => {
    const rows = tf.transpose(tf.reshape(dy, [B, O, I, N]), [0, 2, 1, 3]).reshape([B * I, O, N])
    const offsets = tf.range(0, B * D, D, 'int32').reshape([B, 1])
    const ids = (B === 1 ? indices : tf.reshape(indices, [B, I]).add(offsets)).reshape<Tensor1D>([B * I])
    return tf
      .unsortedSegmentSum(rows, ids, B * D)
      .reshape([B, D, O, N])
      .transpose([0, 2, 1, 3])
      .reshape(x.shape)
  }
  return { x: byX, indices: () => tf.zeros(indices.shape) }
}
tf.unregisterGradient('GatherV2')
tf.registerGradient({ kernelName: 'GatherV2', inputsToSave: ['x', 'indices'], gradFunc: gather })
