import type { Tensor } from '@tensorflow/tfjs-core'
import { kit } from '../kit.js'
import { supply } from './supply.js'

const { tf } = kit

/** x moved by `by` places towards the start along an axis, `value` where nothing comes in. */
function ahead(x: Tensor, by: number, axis: number, value: number): Tensor {
  const begin = x.shape.map((_, i) => (i === axis ? by : 0))
  const size = x.shape.map((n, i) => (i === axis ? n - by : n))
  const widths = x.shape.map((_, i): [number, number] => [0, i === axis ? by : 0])
  return tf.pad(tf.slice(x, begin, size), widths, value)
}

/**
 * Gradient of running products y_i = Π_{l ≤ i} x_l, without a division, so that zeros do no harm: the product before j times
 * s_j, where s_j = dy_j + x_{j+1} s_{j+1}. The recurrence is solved in ⌈log₂ n⌉ rounds (Kogge and Stone 1973).
 */
function runningProduct(dy: Tensor, x: Tensor, axis: number): Tensor {
  const n = x.shape[axis]!
  let [s, factor] = [dy, ahead(x, 1, axis, 0)]
  for (let by = 1; by < n; by *= 2) {
    s = s.add(factor.mul(ahead(s, by, axis, 0)))
    factor = factor.mul(ahead(factor, by, axis, 0))
  }
  return tf.cumprod(x, axis, true).mul(s)
}

supply('Cumprod', ['x'], (seed, saved, attrs) => {
  const [dy, x] = [seed as Tensor, saved[0]!]
  const { axis = 0, exclusive, reverse } = attrs as { axis?: number; exclusive?: boolean; reverse?: boolean }
  const along = axis < 0 ? axis + x.rank : axis
  const turn = (t: Tensor): Tensor => (reverse ? tf.reverse(t, along) : t)
  const turned = turn(dy)
  // An exclusive product is the inclusive one a place later.
  return { x: () => turn(runningProduct(exclusive ? ahead(turned, 1, along, 0) : turned, turn(x), along)) }
})

/** Adds axes of size one for letters that `from` lacks, in the order of `to`. */
const widened = (x: Tensor, from: string, to: string): Tensor =>
  x.reshape([...to].map((l) => (from.includes(l) ? x.shape[from.indexOf(l)]! : 1)))

// By an operand: the same sum with the result's gradient in its place; what the operand alone sums over is repeated.
if (!tf.getGradient('Einsum')) {
  tf.registerGradient({
    kernelName: 'Einsum',
    saveAllInputs: true,
    gradFunc: (seed, saved, attrs) => {
      const [left, result] = (attrs as unknown as { equation: string }).equation.replace(/\s/g, '').split('->') as [string, string]
      const operands = left.split(',')
      const by = (i: number): Tensor => {
        const others = operands.filter((_, j) => j !== i)
        const kept = [...operands[i]!].filter((l) => result.includes(l) || others.some((o) => o.includes(l))).join('')
        const equation = `${[result, ...others].join()}->${kept}`
        const partial = tf.einsum(equation, seed as Tensor, ...saved.filter((_, j) => j !== i))
        return widened(partial, kept, operands[i]!).mul(tf.onesLike(saved[i]!))
      }
      return Object.fromEntries(operands.map((_, i) => [i, () => by(i)]))
    },
  })
}
