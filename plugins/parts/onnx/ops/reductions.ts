import { tf, type Tensor } from 'ockham/tensor'
import { image, type At, type Op, type Ops } from '../at.js'

type Reduce = (x: Tensor, axes: number[], keep: boolean) => Tensor

const reduction =
  (reduce: Reduce): Op =>
  (at: At) => {
    const { tensor, last } = at.of(0)
    const given = at.list('axes', 1) ?? []
    if (given.length === 0 && at.int('noop_with_empty_axes', 0)) return at.of(0)
    const axes = (given.length > 0 ? given : tensor.shape.map((_, i) => i)).map((axis) => at.axis(axis, tensor.rank))
    const keep = at.int('keepdims', 1) === 1
    // The pixels of an image: there is no need to move its channels.
    if (last && [...axes].sort().join() === '2,3') {
      const y = reduce(tensor, [1, 2], keep)
      return keep ? image(y) : y
    }
    return reduce(at.x(0), axes, keep)
  }

const extreme =
  (find: (x: Tensor, axis: number) => Tensor): Op =>
  (at) => {
    const x = at.x(0)
    const axis = at.axis(at.int('axis', 0), x.rank)
    const y = find(at.int('select_last_index', 0) ? tf.reverse(x, axis) : x, axis)
    const first = at.int('select_last_index', 0) ? tf.sub(x.shape[axis]! - 1, y).cast('int32') : y
    return at.int('keepdims', 1) ? first.expandDims(axis) : first
  }

export const reductions: Ops = {
  ReduceSum: reduction((x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceMean: reduction((x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceMax: reduction((x, axes, keep) => tf.max(x, axes, keep)),
  ReduceMin: reduction((x, axes, keep) => tf.min(x, axes, keep)),
  ReduceProd: reduction((x, axes, keep) => tf.prod(x, axes, keep)),
  ReduceSumSquare: reduction((x, axes, keep) => tf.sum(x.square(), axes, keep)),
  ReduceL1: reduction((x, axes, keep) => tf.sum(tf.abs(x), axes, keep)),
  ReduceL2: reduction((x, axes, keep) => tf.sqrt(tf.sum(x.square(), axes, keep))),
  ReduceLogSum: reduction((x, axes, keep) => tf.log(tf.sum(x, axes, keep))),
  ReduceLogSumExp: reduction((x, axes, keep) => tf.logSumExp(x, axes, keep)),
  ArgMax: extreme((x, axis) => tf.argMax(x, axis)),
  ArgMin: extreme((x, axis) => tf.argMin(x, axis)),
}
