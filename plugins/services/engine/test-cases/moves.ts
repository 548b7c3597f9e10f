import { at, type Case } from './case.js'
import { tf } from '../tensor.js'

/** Kernels that move elements. */
export const moves: readonly Case[] = [
  at(
    'Reshape',
    '[3, 4] to [2, -1]',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.reshape(x!, [2, -1]).mul(2),
  ),
  at(
    'Reshape',
    'flatten',
    (r) => ({ x: r.integers([3, 4], 9) }),
    ({ x }) => tf.reshape(x!, [12]),
  ),
  at(
    'ExpandDims',
    '[3] to [3, 1]',
    (r) => ({ x: r.floats([3]) }),
    ({ x }) => tf.expandDims(x!, -1).add(1),
  ),
  at(
    'Transpose',
    '[3, 4]',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.transpose(x!),
  ),
  at(
    'Transpose',
    '[2, 3, 4] by 1 2 0',
    (r) => ({ x: r.floats([2, 3, 4]) }),
    ({ x }) => tf.transpose(x!, [1, 2, 0]),
  ),
  at(
    'Transpose',
    '[2, 1, 3, 4] by 0 2 1 3',
    (r) => ({ x: r.floats([2, 1, 3, 4]) }),
    ({ x }) => tf.transpose(x!, [0, 2, 1, 3]),
  ),
  at(
    'Tile',
    '[3] 2',
    (r) => ({ x: r.floats([3]) }),
    ({ x }) => tf.tile(x!, [2]),
  ),
  at(
    'Tile',
    '[2, 1] 3 4',
    (r) => ({ x: r.floats([2, 1]) }),
    ({ x }) => tf.tile(x!, [3, 4]),
  ),
  at(
    'Tile',
    'broadcastTo',
    (r) => ({ x: r.floats([1, 4]) }),
    ({ x }) => tf.broadcastTo(x!, [2, 3, 4]),
  ),
  at(
    'Slice',
    '[5] 1 3',
    (r) => ({ x: r.floats([5]) }),
    ({ x }) => tf.slice(x!, 1, 3),
  ),
  at(
    'Slice',
    '[3, 4] to the end',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.slice(x!, [1, 2], [-1, 2]),
  ),
  at(
    'Slice',
    '[2, 3, 4] one',
    (r) => ({ x: r.integers([2, 3, 4], 9) }),
    ({ x }) => tf.slice(x!, [1, 0, 2], [1, 3, 1]),
  ),
  at(
    'StridedSlice',
    '[6] every second',
    (r) => ({ x: r.floats([6]) }),
    ({ x }) => tf.stridedSlice(x!, [0], [6], [2]),
  ),
  at(
    'StridedSlice',
    '[4, 5]',
    (r) => ({ x: r.floats([4, 5]) }),
    ({ x }) => tf.stridedSlice(x!, [1, 4], [4, 0], [2, -2]),
  ),
  ...[0, 1, -1].map((axis) => {
    const sizes =
      axis === 0
        ? [
            [2, 3],
            [1, 3],
          ]
        : [
            [2, 3],
            [2, 1],
          ]
    return at(
      'Concat',
      `axis ${axis}`,
      (r) => ({ a: r.floats(sizes[0]!), b: r.floats(sizes[1]!), c: r.floats(sizes[0]!) }),
      ({ a, b, c }) => tf.concat([a!, b!, c!], axis),
    )
  }),
  at(
    'Concat',
    'int32',
    (r) => ({ a: r.integers([2], 9), b: r.integers([3], 9) }),
    ({ a, b }) => tf.concat([a!, b!]),
  ),
  ...[0, 1, 2].map((axis) =>
    at(
      'Pack',
      `axis ${axis}`,
      (r) => ({ a: r.floats([2, 3]), b: r.floats([2, 3]) }),
      ({ a, b }) => tf.stack([a!, b!], axis),
    ),
  ),
  at(
    'Pack',
    'scalars',
    (r) => ({ a: r.floats([]), b: r.floats([]) }),
    ({ a, b }) => tf.stack([a!, b!]),
  ),
  at(
    'Unpack',
    'axis 0',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.unstack(x!, 0)[1]!,
  ),
  at(
    'Unpack',
    'axis 1',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.unstack(x!, 1).reduce((a, b) => a.mul(2).add(b)),
  ),
  at(
    'SplitV',
    'equal',
    (r) => ({ x: r.floats([4, 6]) }),
    ({ x }) => tf.split(x!, 3, 1).reduce((a, b) => a.mul(2).sub(b)),
  ),
  at(
    'SplitV',
    'sizes',
    (r) => ({ x: r.floats([6, 2]) }),
    ({ x }) => tf.split(x!, [1, 2, 3])[2]!,
  ),
  at(
    'PadV2',
    '[3, 4]',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) =>
      tf.pad(x!, [
        [1, 0],
        [2, 3],
      ]),
  ),
  at(
    'PadV2',
    'with a constant',
    (r) => ({ x: r.floats([3]) }),
    ({ x }) => tf.pad(x!, [[1, 2]], 0.5),
  ),
  at(
    'PadV2',
    'int32',
    (r) => ({ x: r.integers([1, 3], 5) }),
    ({ x }) =>
      tf.pad(
        x!,
        [
          [1, 2],
          [0, 0],
        ],
        7,
      ),
  ),
  at(
    'MirrorPad',
    'reflect',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) =>
      tf.mirrorPad(
        x!,
        [
          [1, 2],
          [0, 3],
        ],
        'reflect',
      ),
  ),
  at(
    'MirrorPad',
    'symmetric',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) =>
      tf.mirrorPad(
        x!,
        [
          [1, 2],
          [0, 3],
        ],
        'symmetric',
      ),
  ),
  at(
    'Reverse',
    'axis 1',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.reverse(x!, 1),
  ),
  at(
    'Reverse',
    'all',
    (r) => ({ x: r.floats([2, 3]) }),
    ({ x }) => tf.reverse(x!),
  ),
]
