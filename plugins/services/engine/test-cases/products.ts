import { at, type Case } from './case.js'
import { tf } from '../tensor.js'

/** Products of matrices. */
export const products: readonly Case[] = [
  ...[
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ].flatMap(([ta, tb]) => [
    at(
      'BatchMatMul',
      `[3, 4] ${ta} ${tb}`,
      (r) => ({ a: r.floats(ta ? [4, 3] : [3, 4]), b: r.floats(tb ? [5, 4] : [4, 5]) }),
      ({ a, b }) => tf.matMul(a!, b!, ta, tb),
    ),
    at(
      'BatchMatMul',
      `[2, 3, 4] ${ta} ${tb}`,
      (r) => ({ a: r.floats(ta ? [2, 4, 3] : [2, 3, 4]), b: r.floats(tb ? [2, 5, 4] : [2, 4, 5]) }),
      ({ a, b }) => tf.matMul(a!, b!, ta, tb),
    ),
  ]),
  at(
    'BatchMatMul',
    'broadcast batch',
    (r) => ({ a: r.floats([2, 3, 4]), b: r.floats([1, 4, 5]) }),
    ({ a, b }) => tf.matMul(a!, b!),
  ),
  at(
    'BatchMatMul',
    '[2, 3, 1, 4]',
    (r) => ({ a: r.floats([2, 3, 1, 4]), b: r.floats([2, 3, 4, 2]) }),
    ({ a, b }) => tf.matMul(a!, b!),
  ),
  at(
    'BatchMatMul',
    'dot',
    (r) => ({ a: r.floats([4]), b: r.floats([4]) }),
    ({ a, b }) => tf.dot(a!, b!),
  ),
  ...(['linear', 'relu', 'elu', 'sigmoid'] as const).map((activation) =>
    at(
      '_FusedMatMul',
      activation,
      (r) => ({ a: r.floats([3, 4]), b: r.floats([4, 2]), bias: r.floats([2]) }),
      ({ a, b, bias }) => tf.fused.matMul({ a: a!, b: b!, bias: bias!, activation }),
    ),
  ),
]
