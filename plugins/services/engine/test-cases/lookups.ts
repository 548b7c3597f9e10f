import { at, type Case } from './case.js'
import { tf, type Tensor1D } from '../tensor.js'

/** Kernels that address elements by index. */
export const lookups: readonly Case[] = [
  at(
    'GatherV2',
    '[5, 3] axis 0',
    (r) => ({ x: r.floats([5, 3]), i: r.integers([4], 5) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherV2',
    '[5, 3] axis 0, indices [2, 2]',
    (r) => ({ x: r.floats([5, 3]), i: r.integers([2, 2], 5) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherV2',
    '[3, 5] axis 1',
    (r) => ({ x: r.floats([3, 5]), i: r.integers([4], 5) }),
    ({ x, i }) => tf.gather(x!, i!, 1),
  ),
  at(
    'GatherV2',
    'scalar index',
    (r) => ({ x: r.floats([3, 5]), i: r.integers([], 3) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherV2',
    'batched',
    (r) => ({ x: r.floats([2, 5, 3]), i: r.integers([2, 4], 5) }),
    ({ x, i }) => tf.gather(x!, i!, 1, 1),
  ),
  at(
    'GatherV2',
    'int32',
    (r) => ({ x: r.integers([5], 9), i: r.integers([3], 5) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherNd',
    '[3, 4] pairs',
    (r) => ({ x: r.floats([3, 4]), i: r.integers([5, 2], 3) }),
    ({ x, i }) => tf.gatherND(x!, i!),
  ),
  at(
    'GatherNd',
    '[3, 4] rows',
    (r) => ({ x: r.floats([3, 4]), i: r.integers([2, 1], 3) }),
    ({ x, i }) => tf.gatherND(x!, i!),
  ),
  at(
    'ScatterNd',
    'with repeats',
    (r) => ({ i: r.integers([5, 1], 4), u: r.floats([5, 3]) }),
    ({ i, u }) => tf.scatterND(i!, u!, [4, 3]),
  ),
  at(
    'UnsortedSegmentSum',
    '[6, 2]',
    (r) => ({ x: r.floats([6, 2]), s: r.integers([6], 4) }),
    ({ x, s }) => tf.unsortedSegmentSum(x!, s! as Tensor1D, 4),
  ),
  at(
    'UnsortedSegmentSum',
    '[6]',
    (r) => ({ x: r.floats([6]), s: r.integers([6], 4) }),
    ({ x, s }) => tf.unsortedSegmentSum(x!, s! as Tensor1D, 5),
  ),
  // tfjs itself gives floats.
  at(
    'UnsortedSegmentSum',
    'int32',
    (r) => ({ x: r.integers([6, 2], 9), s: r.integers([6], 4) }),
    ({ x, s }) => tf.unsortedSegmentSum(x!, s! as Tensor1D, 4).cast('int32'),
  ),
  at(
    'OneHot',
    '[4]',
    (r) => ({ i: r.integers([4], 6) }),
    ({ i }) => tf.oneHot(i!, 5),
  ),
  at(
    'OneHot',
    '[2, 3] on and off',
    (r) => ({ i: r.integers([2, 3], 4) }),
    ({ i }) => tf.oneHot(i!, 4, 0.9, 0.1, 'float32'),
  ),
  at(
    'TopK',
    'values',
    (r) => ({ x: r.floats([3, 6]) }),
    ({ x }) => tf.topk(x!, 3).values,
  ),
  at(
    'TopK',
    'indices',
    (r) => ({ x: r.floats([3, 6]) }),
    ({ x }) => tf.topk(x!, 2).indices,
  ),
]
