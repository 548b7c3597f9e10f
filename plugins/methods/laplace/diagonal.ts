import type { Value, Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { kernelJacobian } from '../../parts/curvature/index.js'
import { matrix } from '../../parts/linalg/index.js'
import { value, zeros } from '../../parts/training/index.js'
import { gathered, pick, type Block, type Coordinates } from './coordinates.js'
import type { Curvature, Structure, Sums } from './structure.js'

/** Σ_n Σ_k (Σ_t a_t g_kt)² for each entry of a kernel, [inputs, outputs]. At one place it is a product of squares. */
function squares(a: Tensor, g: Tensor): Tensor {
  const [n, t, inputs] = a.shape as [number, number, number]
  const outputs = g.shape[3]!
  if (t === 1) return tf.matMul(a.reshape([n, inputs]).square(), g.reshape([n, -1, outputs]).square().sum(1), true, false)
  return kernelJacobian(a, g).square().sum([0, 1]).reshape([inputs, outputs])
}

/** Sums of squared gradients, one a parameter. */
export const diagonalSums = ({ blocks }: Coordinates): Sums => ({
  carry: Object.fromEntries(
    blocks.map(({ param, part, layer }) => [param, zeros(part === 'kernel' ? [layer.inputs, layer.outputs] : [layer.outputs])]),
  ),
  add: (carry, { pass, pulled }) =>
    Object.fromEntries(
      blocks.map(({ param, part, layer: { name } }) => {
        const g = pulled[name]!
        const now = part === 'kernel' ? squares(pass.inputs[name]!, g) : g.sum(2).square().sum([0, 1])
        return [param, carry[param]!.add(now)]
      }),
    ),
})

/** Σ_ij g_ci g_c'i a_j² m_ji over a kernel; [n, C, C]. a [n, t, in], g [n, C, t, out], m [in, out]. */
export function weighed(a: Tensor, g: Tensor, m: Tensor): Tensor {
  const [n, t, inputs] = a.shape as [number, number, number]
  const [, c, , outputs] = g.shape as [number, number, number, number]
  if (t > 1) {
    const rows = kernelJacobian(a, g)
    return tf.matMul(rows.mul(m.reshape([1, 1, inputs * outputs])), rows, false, true)
  }
  const rows = g.reshape([n, c, outputs])
  const at = tf.matMul(a.reshape([n, inputs]).square(), m).expandDims(1)
  return tf.matMul(rows.mul(at), rows, false, true)
}

export function diagonalCurvature(at: Coordinates, h: Float64Array): Curvature {
  const inverse = (prior: Float64Array, s: number, i: number): number => 1 / (s * h[i]! + prior[at.groupOf[i]!]!)
  return {
    settle({ prior, likelihood }) {
      const traces = new Float64Array(at.groups)
      let logDeterminant = 0
      for (let i = 0; i < at.size; i++) {
        const t = prior[at.groupOf[i]!]!
        logDeterminant += Math.log1p((likelihood * h[i]!) / t)
        traces[at.groupOf[i]!]! += inverse(prior, likelihood, i)
      }
      return { logDeterminant, traces }
    },
    draw: async ({ prior, likelihood }, noise) => noise.map((e, i) => e * Math.sqrt(inverse(prior, likelihood, i))),
    factors({ prior, likelihood }) {
      const variance = new Float64Array(at.blocks.reduce((n, b) => n + b.size, 0))
      for (let i = 0; i < at.size; i++) variance[at.chosen?.[i] ?? i] = inverse(prior, likelihood, i) / at.precision[i]!
      const of = ({ part, layer, at: from, size }: Block): Value =>
        value(variance.subarray(from, from + size), part === 'kernel' ? [layer.inputs, layer.outputs] : [layer.outputs])
      return Object.fromEntries(at.blocks.map((b) => [b.param, of(b)]))
    },
    save: () => ({ diagonal: matrix([at.size], h) }),
  }
}

/** H from its sums, in the coordinates of the prior. */
export const closeDiagonal = (at: Coordinates, sums: Values): Curvature =>
  diagonalCurvature(
    at,
    pick(gathered(at.blocks, sums), at.chosen).map((v, i) => v / at.precision[i]!),
  )

export const diagonal = (at: Coordinates): Structure => ({
  restore: ({ diagonal: h }) => diagonalCurvature(at, Float64Array.from(h!.data)),
  covariance(pass, pulled, factors) {
    const parts = at.blocks.map(({ param, part, layer: { name } }) => {
      const g = pulled[name]!
      if (part === 'kernel') return weighed(pass.inputs[name]!, g, factors[param]!)
      const rows = g.sum(2)
      return tf.matMul(rows.mul(factors[param]!), rows, false, true)
    })
    return tf.addN(parts)
  },
})
