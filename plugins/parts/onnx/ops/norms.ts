import { tf, type Tensor } from 'ockham/tensor'
import { dropout as masked, standardised } from '../../networks/index.js'
import { image, like, type At, type Op, type Ops } from '../at.js'

/** Numbers a channel, shaped to be broadcast over channels-first operands of this rank. */
const channelwise = (x: Tensor, rank: number): Tensor => x.reshape([-1, ...Array<number>(Math.max(0, rank - 2)).fill(1)])

/** γ (x − μ) / √(σ² + ε) + β with the moments of the file: while training, too. */
const batchNormalization: Op = (at) => {
  if (at.int('training_mode', 0)) throw at.refuse('it is exported in training mode', 'export the network in evaluation mode: model.eval()')
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => at.x(i)) as [Tensor, Tensor, Tensor, Tensor]
  const factor = variance.add(at.int('epsilon', 1e-5)).rsqrt().mul(scale)
  const shift = bias.sub(mean.mul(factor))
  const rank = at.of(0).tensor.rank
  if (rank === 4) return image(at.image(0).mul(factor).add(shift))
  return at.x(0).mul(channelwise(factor, rank)).add(channelwise(shift, rank))
}

/** x̂ over the axes from `axis` on, as rows. */
const rowsOf = (x: Tensor, axis: number, epsilon: number): Tensor => {
  const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1)
  return standardised(x.reshape([rows, -1]), epsilon).reshape(x.shape)
}

const affine = (at: At, y: Tensor, shaped: (x: Tensor) => Tensor = (x) => x): Tensor => {
  const scaled = at.has(1) ? y.mul(shaped(at.x(1))) : y
  return at.has(2) ? scaled.add(shaped(at.x(2))) : scaled
}

const layerNormalization: Op = (at) => {
  const x = at.x(0)
  return affine(at, rowsOf(x, at.axis(at.int('axis', -1), x.rank), at.int('epsilon', 1e-5)))
}

/** Without a mean: x / √(mean x² + ε). */
const rmsNormalization: Op = (at) => {
  const x = at.x(0)
  const axes = x.shape.map((_, i) => i).slice(at.axis(at.int('axis', -1), x.rank))
  return affine(at, x.mul(tf.mean(x.square(), axes, true).add(at.int('epsilon', 1e-5)).rsqrt()))
}

const instanceNormalization: Op = (at) => {
  const x = at.x(0)
  return affine(at, rowsOf(x, 2, at.int('epsilon', 1e-5)), (p) => channelwise(p, x.rank))
}

const groupNormalization: Op = (at) => {
  const x = at.x(0)
  const [n, c] = x.shape as [number, number]
  const groups = at.int('num_groups', 1)
  const normed = rowsOf(x.reshape([n, groups, -1]), 2, at.int('epsilon', 1e-5)).reshape(x.shape)
  // In operator sets before 21 scale and shift are given a group.
  const spread = (p: Tensor): Tensor =>
    p.size === c
      ? p
      : p
          .expandDims(1)
          .tile([1, c / groups])
          .reshape([c])
  return affine(at, normed, (p) => channelwise(spread(p), x.rank))
}

/** Nothing when predicting; while training masks are drawn, as the network was trained. */
const dropout: Op = (at) => {
  const rate = at.attr<number>('ratio') ?? (at.has(1) ? at.numbers(1)[0]! : 0.5)
  return like(at, 0, masked(at.step.name, at.of(0).tensor, rate, at.around.call))
}

export const norms: Ops = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  SimplifiedLayerNormalization: rmsNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  Dropout: dropout,
}
