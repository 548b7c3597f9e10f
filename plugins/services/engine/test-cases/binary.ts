import { anyShape, at, binary, drawn, integer, logical, say, type Case } from './case.js'
import { tf, type Tensor } from '../tensor.js'

/** Kernels of two operands, casts and choices. */
export const binaries: readonly Case[] = [
  ...binary('Add', tf.add),
  ...binary('Sub', tf.sub),
  ...binary('Multiply', tf.mul),
  ...binary('RealDiv', tf.div, 0.2, 3),
  ...binary('FloorDiv', (a, b) => tf.floorDiv(a, b), 0.3, 5),
  ...binary('Maximum', tf.maximum),
  ...binary('Minimum', tf.minimum),
  ...binary('Mod', (a, b) => tf.mod(a.sub(2), b), 0.3, 5),
  ...binary('Pow', tf.pow, 0.2, 2.5),
  ...binary('SquaredDifference', tf.squaredDifference),
  ...binary('Atan2', tf.atan2),
  ...binary('Equal', (a, b) => tf.equal(tf.round(a), tf.round(b))),
  ...binary('NotEqual', (a, b) => tf.notEqual(tf.round(a), tf.round(b))),
  ...binary('Greater', tf.greater),
  ...binary('GreaterEqual', (a, b) => tf.greaterEqual(tf.round(a), tf.round(b))),
  ...binary('Less', tf.less),
  ...binary('LessEqual', (a, b) => tf.lessEqual(tf.round(a), tf.round(b))),
  ...binary('Prelu', (x, alpha) => tf.prelu(x, tf.broadcastTo(alpha, tf.broadcast_util.assertAndGetBroadcastShape(x.shape, alpha.shape)))),
  ...integer('Add', tf.add),
  ...integer('Sub', tf.sub),
  ...integer('Multiply', tf.mul),
  ...integer('Maximum', tf.maximum),
  ...integer('Minimum', tf.minimum),
  ...integer('FloorDiv', (a, b) => tf.floorDiv(a, b.add(tf.scalar(1, 'int32')))),
  ...integer('Pow', (a, b) => tf.pow(a, b.sub(tf.scalar(1, 'int32')))),
  ...integer('Mod', (a, b) => tf.mod(a, b.add(tf.scalar(1, 'int32')))),
  ...integer('Equal', tf.equal),
  ...integer('NotEqual', tf.notEqual),
  ...integer('Less', tf.less),
  ...integer('LessEqual', tf.lessEqual),
  ...integer('Greater', tf.greater),
  ...integer('GreaterEqual', tf.greaterEqual),
  drawn('BitwiseAnd', 'of either sign', (r) => {
    const shape = anyShape(r)
    const signed = (x: Tensor): Tensor => x.sub(tf.scalar(40, 'int32'))
    return { inputs: { a: r.integers(shape, 99), b: r.integers(shape, 99) }, fn: ({ a, b }) => tf.bitwiseAnd(signed(a!), signed(b!)) }
  }),
  ...logical('LogicalAnd', tf.logicalAnd),
  ...logical('LogicalOr', tf.logicalOr),
  ...logical('LogicalXor', tf.logicalXor),
  at(
    'AddN',
    'three',
    (r) => ({ a: r.floats([2, 3]), b: r.floats([2, 3]), c: r.floats([2, 3]) }),
    ({ a, b, c }) => tf.addN([a!, b!, c!]),
  ),
  ...(['float32', 'int32', 'bool'] as const).flatMap((to) => [
    at(
      'Cast',
      `float32 to ${to}`,
      (r) => ({ x: r.floats([3, 4]) }),
      ({ x }) => tf.cast(x!, to),
    ),
    at(
      'Cast',
      `int32 to ${to}`,
      (r) => ({ x: r.integers([3, 4], 3) }),
      ({ x }) => tf.cast(x!, to),
    ),
    at(
      'Cast',
      `bool to ${to}`,
      (r) => ({ x: r.bools([3, 4]) }),
      ({ x }) => tf.cast(x!, to),
    ),
  ]),
  ...[[], [3], [3, 4], [2, 1, 4]].map((s) =>
    at(
      'Select',
      say(s),
      (r) => ({ c: r.bools(s), t: r.floats(s), e: r.floats(s) }),
      ({ c, t, e }) => tf.where(c!, t!, e!),
    ),
  ),
  at(
    'Select',
    'broadcast',
    (r) => ({ c: r.bools([3, 1]), t: r.floats([3, 4]), e: r.floats([]) }),
    ({ c, t, e }) => tf.where(c!, t!, e!),
  ),
  at(
    'Select',
    'int32',
    (r) => ({ c: r.bools([3]), t: r.integers([3], 9), e: r.integers([3], 9) }),
    ({ c, t, e }) => tf.where(c!, t!, e!),
  ),
]
