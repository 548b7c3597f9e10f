import { tf, type Tensor } from 'ockham/tensor'
import { activations, gelu, geluTanh } from '../../networks/index.js'
import { channelsLast, like, type At, type Held, type Op, type Ops } from '../at.js'

/** f of every element; an image stays as it is held. */
const each =
  (f: (x: Tensor, at: At) => Tensor): Op =>
  (at) =>
    like(at, 0, f(at.of(0).tensor, at))

/** Operand with channels last, for an operation of rank 4. */
function lastOf({ tensor, last }: Held): Tensor {
  if (last) return tensor
  const shape = [...Array<number>(4 - tensor.rank).fill(1), ...tensor.shape]
  return channelsLast(tensor.reshape(shape))
}

/** Operands to be broadcast together: with channels last where one is held so and none has more axes. */
export function together(at: At): { readonly xs: readonly Tensor[]; readonly last: boolean } {
  const held = at.held.map((_, i) => at.of(i))
  const last = held.some((h) => h.last) && held.every((h) => h.tensor.rank <= 4)
  return { last, xs: last ? held.map(lastOf) : held.map((_, i) => at.x(i)) }
}

/** f of all operands together, broadcast. */
const all =
  (f: (xs: readonly Tensor[], at: At) => Tensor): Op =>
  (at) => {
    const { xs, last } = together(at)
    return { tensor: f(xs, at), last, known: at.held.every((h) => h?.known) }
  }

const both = (f: (a: Tensor, b: Tensor, at: At) => Tensor): Op => all(([a, b], at) => f(a!, b!, at))

const folded = (f: (a: Tensor, b: Tensor) => Tensor): Op => all((xs) => xs.slice(1).reduce(f, xs[0]!))

/** Whole numbers are divided towards zero. */
const divided = (a: Tensor, b: Tensor): Tensor => {
  if (a.dtype !== 'int32' || b.dtype !== 'int32') return tf.div(a, b)
  return tf.cast(tf.mul(tf.sign(tf.mul(a, b)), tf.floorDiv(tf.abs(a), tf.abs(b))), 'int32')
}

/** a − b ⌊a / b⌋, or with `fmod` the remainder with the sign of a. */
const remainder = (a: Tensor, b: Tensor, at: At): Tensor =>
  at.int('fmod', 0) ? tf.sub(a, tf.mul(b, tf.mul(tf.sign(tf.div(a, b)), tf.floor(tf.abs(tf.div(a, b)))))) : tf.mod(a, b)

const clip = (x: Tensor, at: At): Tensor => {
  const low = at.attr<number>('min') ?? (at.has(1) ? at.numbers(1)[0]! : -Infinity)
  const high = at.attr<number>('max') ?? (at.has(2) ? at.numbers(2)[0]! : Infinity)
  return low === -Infinity && high === Infinity ? x : tf.clipByValue(x, low, high)
}

const hardSigmoid = (x: Tensor, slope: number, shift: number): Tensor => tf.clipByValue(x.mul(slope).add(shift), 0, 1)

/** max(0, x) + slope · min(0, x). */
const prelu = (x: Tensor, slope: Tensor): Tensor => tf.add(tf.relu(x), tf.mul(slope, tf.minimum(x, 0)))

/** α (e^(x / β) − 1) below zero. The exponent is cut at zero first: its derivative above would be 0 · ∞. */
const elu = (x: Tensor, alpha: number, beta = 1): Tensor => tf.add(tf.relu(x), tf.expm1(tf.minimum(x, 0).div(beta)).mul(alpha))

const geluOf = (x: Tensor, at: At): Tensor => (at.text('approximate', 'none') === 'tanh' ? geluTanh(x) : gelu(x))

const swish = (x: Tensor, at: At): Tensor => x.mul(x.mul(at.int('alpha', 1)).sigmoid())

const types: Readonly<Record<number, 'float32' | 'int32' | 'bool'>> = {
  1: 'float32',
  9: 'bool',
  10: 'float32',
  11: 'float32',
  16: 'float32',
}
const cast = (x: Tensor, at: At): Tensor => tf.cast(x, types[at.int('to', 1)] ?? 'int32')

const where: Op = (at) => {
  const { xs, last } = together(at)
  const [condition, a, b] = xs as [Tensor, Tensor, Tensor]
  return { tensor: tf.where(condition.cast('bool'), a, b), last, known: at.held.every((h) => h?.known) }
}

const unary: Readonly<Record<string, (x: Tensor, at: At) => Tensor>> = {
  Identity: (x) => x,
  Cast: cast,
  CastLike: (x, at) => tf.cast(x, at.of(1).tensor.dtype),
  Relu: (x) => tf.relu(x),
  Sigmoid: (x) => tf.sigmoid(x),
  Tanh: (x) => tf.tanh(x),
  Erf: (x) => tf.erf(x),
  Gelu: geluOf,
  'com.microsoft.Gelu': (x) => gelu(x),
  'com.microsoft.FastGelu': (x) => geluTanh(x),
  'com.microsoft.QuickGelu': (x, at) => x.mul(x.mul(at.int('alpha', 1.702)).sigmoid()),
  LeakyRelu: (x, at) => tf.leakyRelu(x, at.int('alpha', 0.01)),
  Elu: (x, at) => elu(x, at.int('alpha', 1)),
  Celu: (x, at) => elu(x, at.int('alpha', 1), at.int('alpha', 1)),
  Selu: (x, at) => elu(x, at.int('alpha', 1.6732632)).mul(at.int('gamma', 1.050701)),
  Softplus: activations.softplus,
  Softsign: (x) => x.div(tf.abs(x).add(1)),
  HardSigmoid: (x, at) => hardSigmoid(x, at.int('alpha', 0.2), at.int('beta', 0.5)),
  HardSwish: (x) => x.mul(hardSigmoid(x, 1 / 6, 0.5)),
  Mish: (x) => x.mul(tf.tanh(tf.softplus(x))),
  Swish: swish,
  ThresholdedRelu: (x, at) => tf.where(tf.greater(x, at.int('alpha', 1)), x, tf.zerosLike(x)),
  Clip: clip,
  Abs: (x) => tf.abs(x),
  Neg: (x) => tf.neg(x),
  Exp: (x) => tf.exp(x),
  Log: (x) => tf.log(x),
  Sqrt: (x) => tf.sqrt(x),
  Reciprocal: (x) => tf.div(1, x),
  Sign: (x) => tf.sign(x),
  Floor: (x) => tf.floor(x),
  Ceil: (x) => tf.ceil(x),
  Round: (x) => tf.round(x),
  Sin: (x) => tf.sin(x),
  Cos: (x) => tf.cos(x),
  Tan: (x) => tf.tan(x),
  Asin: (x) => tf.asin(x),
  Acos: (x) => tf.acos(x),
  Atan: (x) => tf.atan(x),
  Sinh: (x) => tf.sinh(x),
  Cosh: (x) => tf.cosh(x),
  Asinh: (x) => tf.asinh(x),
  Acosh: (x) => tf.acosh(x),
  Atanh: (x) => tf.atanh(x),
  Not: (x) => tf.logicalNot(tf.cast(x, 'bool')),
  IsNaN: (x) => tf.isNaN(x),
}

export const elementwise: Ops = {
  ...Object.fromEntries(Object.entries(unary).map(([op, f]) => [op, each(f)])),
  Add: both((a, b) => tf.add(a, b)),
  Sub: both((a, b) => tf.sub(a, b)),
  Mul: both((a, b) => tf.mul(a, b)),
  Div: both(divided),
  Mod: both(remainder),
  Pow: both((a, b) => tf.pow(a, b)),
  PRelu: both(prelu),
  Max: folded((a, b) => tf.maximum(a, b)),
  Min: folded((a, b) => tf.minimum(a, b)),
  Sum: folded((a, b) => tf.add(a, b)),
  Mean: all((xs) =>
    xs
      .slice(1)
      .reduce((a, b) => tf.add(a, b), xs[0]!)
      .div(xs.length),
  ),
  Equal: both((a, b) => tf.equal(a, b)),
  Greater: both((a, b) => tf.greater(a, b)),
  GreaterOrEqual: both((a, b) => tf.greaterEqual(a, b)),
  Less: both((a, b) => tf.less(a, b)),
  LessOrEqual: both((a, b) => tf.lessEqual(a, b)),
  And: both((a, b) => tf.logicalAnd(a.cast('bool'), b.cast('bool'))),
  Or: both((a, b) => tf.logicalOr(a.cast('bool'), b.cast('bool'))),
  Xor: both((a, b) => tf.notEqual(a.cast('int32'), b.cast('int32'))),
  Where: where,
}
