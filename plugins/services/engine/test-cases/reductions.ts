import { at, say, type Case } from './case.js'
import { tf, type Tensor } from '../tensor.js'

const axes: readonly (readonly [readonly number[], number | number[] | undefined, boolean])[] = [
  [[3, 4], undefined, false],
  [[3, 4], 0, false],
  [[3, 4], -1, true],
  [[2, 3, 4], [0, 2], false],
  [[2, 3, 4], [1], true],
  [[1, 4], 0, false],
  [[5], 0, false],
  [[], undefined, false],
]
const reduction = (
  kernel: string,
  fn: (x: Tensor, axis: number | number[] | undefined, keep: boolean) => Tensor,
  dtype: 'floats' | 'integers' | 'bools' = 'floats',
): Case[] =>
  axes.map(([s, axis, keep]) =>
    at(
      kernel,
      `${dtype} ${say(s)} axis ${axis} ${keep ? 'kept' : ''}`,
      (r) => ({ x: dtype === 'floats' ? r.floats(s) : dtype === 'integers' ? r.integers(s, 5) : r.bools(s) }),
      ({ x }) => fn(x!, axis, keep),
    ),
  )

/** Kernels along axes. */
export const reductions: readonly Case[] = [
  ...reduction('Sum', (x, axis, keep) => tf.sum(x, axis, keep)),
  ...reduction('Sum', (x, axis, keep) => tf.sum(x, axis, keep), 'integers'),
  ...reduction('Sum', (x, axis, keep) => tf.sum(x, axis, keep), 'bools'),
  ...reduction('Mean', (x, axis, keep) => tf.mean(x, axis, keep)),
  ...reduction('Max', (x, axis, keep) => tf.max(x, axis, keep)),
  ...reduction('Max', (x, axis, keep) => tf.max(x, axis, keep), 'integers'),
  ...reduction('Min', (x, axis, keep) => tf.min(x, axis, keep)),
  ...reduction('Prod', (x, axis, keep) => tf.prod(x, axis, keep)),
  ...reduction('All', (x, axis, keep) => tf.all(x, axis, keep), 'bools'),
  ...reduction('Any', (x, axis, keep) => tf.any(x, axis, keep), 'bools'),
  ...[0, 1, -1].flatMap((axis) => [
    at(
      'ArgMax',
      `axis ${axis}`,
      (r) => ({ x: r.floats([3, 5]) }),
      ({ x }) => tf.argMax(x!, axis),
    ),
    at(
      'ArgMin',
      `axis ${axis}`,
      (r) => ({ x: r.floats([3, 5]) }),
      ({ x }) => tf.argMin(x!, axis),
    ),
  ]),
  ...[
    [0, false, false],
    [1, true, false],
    [2, false, true],
    [1, true, true],
  ].map(([axis, exclusive, reverse]) =>
    at(
      'Cumsum',
      `axis ${axis} ${exclusive} ${reverse}`,
      (r) => ({ x: r.floats([2, 3, 4]) }),
      ({ x }) => tf.cumsum(x!, axis as number, exclusive as boolean, reverse as boolean),
    ),
  ),
  ...[
    [0, false, false],
    [1, true, false],
    [1, false, true],
    [1, true, true],
  ].map(([axis, exclusive, reverse]) =>
    at(
      'Cumprod',
      `axis ${axis} ${exclusive} ${reverse}`,
      (r) => ({ x: r.floats([2, 5, 3]) }),
      ({ x }) => tf.cumprod(x!, axis as number, exclusive as boolean, reverse as boolean),
    ),
  ),
  at(
    'Cumsum',
    '[5]',
    (r) => ({ x: r.floats([5]) }),
    ({ x }) => tf.cumsum(x!),
  ),
  ...[[4], [2, 3], [2, 1, 5]].flatMap((s) => [
    at(
      'Softmax',
      say(s),
      (r) => ({ x: r.floats(s, -30, 30) }),
      ({ x }) => tf.softmax(x!),
    ),
    at(
      'LogSoftmax',
      say(s),
      (r) => ({ x: r.floats(s, -30, 30) }),
      ({ x }) => tf.logSoftmax(x!),
    ),
  ]),
]
