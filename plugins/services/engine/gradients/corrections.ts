import type { Tensor } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import { replace } from './supply.js'

const { tf } = kit

/** Sums over the axes along which `x` was repeated. */
function summed(dy: Tensor, x: Tensor): Tensor {
  const axes = tf.broadcast_util.getReductionAxes(x.shape, dy.shape)
  return (axes.length > 0 ? tf.sum(dy, axes) : dy).reshape(x.shape)
}
const mask = (x: Tensor): Tensor => tf.cast(x, 'float32')

/** A gradient that tfjs writes for operands of one shape. */
const pairwise = (kernel: string, names: readonly [string, string], by: (a: Tensor, b: Tensor) => readonly [() => Tensor, () => Tensor]) =>
  replace(kernel, [...names], (seed, saved) => {
    const [dy, a, b] = [seed as Tensor, saved[0]!, saved[1]!]
    const [byA, byB] = by(a, b)
    return { [names[0]]: () => summed(dy.mul(byA()), a), [names[1]]: () => summed(dy.mul(byB()), b) }
  })

pairwise('Maximum', ['a', 'b'], (a, b) => [() => mask(tf.greaterEqual(a, b)), () => mask(tf.less(a, b))])
pairwise('Minimum', ['a', 'b'], (a, b) => [() => mask(tf.lessEqual(a, b)), () => mask(tf.greater(a, b))])
pairwise('SquaredDifference', ['a', 'b'], (a, b) => [() => tf.sub(a, b).mul(2), () => tf.sub(b, a).mul(2)])
pairwise('Prelu', ['x', 'alpha'], (x, alpha) => {
  const above = (): Tensor => mask(tf.greater(x, 0))
  return [() => above().add(tf.sub(1, above()).mul(alpha)), () => tf.sub(1, above()).mul(x)]
})

// Whole numbers do not move with what they were rounded from; tfjs differentiates as if nothing had been rounded.
replace('FloorDiv', ['a', 'b'], (_, saved) => ({ a: () => tf.zeros(saved[0]!.shape), b: () => tf.zeros(saved[1]!.shape) }))
replace('Cast', [], (dy, _, { dtype }) => {
  const g = dy as Tensor
  return { x: () => ((dtype as unknown) === 'float32' ? tf.clone(g) : tf.zeros(g.shape)) }
})

// tfjs turns the axes of what is right already.
replace('Cumsum', ['x'], (dy, saved, attrs) => {
  const { axis = 0, exclusive, reverse } = attrs as { axis?: number; exclusive?: boolean; reverse?: boolean }
  const along = axis < 0 ? axis + saved[0]!.rank : axis
  return { x: () => tf.cumsum(dy as Tensor, along, Boolean(exclusive), !reverse) }
})

// Of one part alone tfjs hands over its gradient, not a list of one.
const parts = (dy: Tensor | Tensor[]): Tensor[] => (Array.isArray(dy) ? dy : [dy])
replace('Unpack', [], (dy, _, attrs) => ({ value: () => tf.stack(parts(dy), (attrs as { axis?: number }).axis ?? 0) }))
replace('SplitV', [], (dy, _, attrs) => ({ x: () => tf.concat(parts(dy), (attrs as { axis?: number }).axis ?? 0) }))
