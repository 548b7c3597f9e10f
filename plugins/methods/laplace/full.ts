import type { Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { jacobian, type LayerPass } from '../../parts/curvature/index.js'
import { cholesky, eigenSymmetric, inverseLower, logDeterminant, matrix, solveLowerTransposed } from '../../parts/linalg/index.js'
import { floats, value, zeros } from '../../parts/training/index.js'
import type { Tensors } from 'ockham'
import type { Coordinates, Scales } from './coordinates.js'
import type { Curvature, Structure, Sums } from './structure.js'

/** Jacobian rows [n, K, P] of the parameters that count. */
export function rowsOf({ layers, chosen }: Coordinates, pass: LayerPass, pulled: Tensors): Tensor {
  const all = jacobian(pass, pulled, layers)
  return chosen ? tf.gather(all, tf.tensor1d(Array.from(chosen), 'int32'), 2) : all
}

/** 1/√δ, float32 [P]. */
export const whitening = ({ precision }: Coordinates): Float32Array => floats(precision, (d) => 1 / Math.sqrt(d))

/** Σ J' S S' J in the coordinates of the prior, [P, P]. */
export const fullSums = (at: Coordinates): Sums => ({
  carry: { full: zeros([at.size, at.size]) },
  add(carry, { pass, pulled }) {
    const rows = rowsOf(at, pass, pulled)
      .mul(tf.tensor1d(whitening(at)))
      .reshape([-1, at.size])
    return { full: carry['full']!.add(tf.matMul(rows, rows, true, false)) }
  },
})

export function fullCurvature(at: Coordinates, given: Float64Array): Curvature {
  const n = at.size
  const h = Float64Array.from(given, (_, k) => (given[k]! + given[(k % n) * n + Math.floor(k / n)]!) / 2)
  let spectrum: Float64Array | undefined
  const factor = ({ prior, likelihood }: Scales) => {
    const p = h.map((x) => likelihood * x)
    for (let i = 0; i < n; i++) p[i * n + i]! += prior[at.groupOf[i]!]!
    return cholesky(matrix([n, n], p), 'laplace')
  }
  return {
    settle(scales) {
      if (at.groups === 1) {
        // One eigendecomposition serves every scale.
        spectrum ??= Float64Array.from(eigenSymmetric(matrix([n, n], h)).values.data, (l) => Math.max(0, l))
        const [t, s] = [scales.prior[0]!, scales.likelihood]
        let [log, trace] = [0, 0]
        for (const l of spectrum) {
          log += Math.log1p((s * l) / t)
          trace += 1 / (s * l + t)
        }
        return { logDeterminant: log, traces: Float64Array.of(trace) }
      }
      const l = factor(scales)
      const inverse = inverseLower(l).data
      const traces = new Float64Array(at.groups)
      for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) traces[at.groupOf[j]!]! += inverse[i * n + j]! ** 2
      const log = at.groupOf.reduce((sum, g) => sum + Math.log(scales.prior[g]!), 0)
      return { logDeterminant: logDeterminant(l) - log, traces }
    },
    async draw({ prior, likelihood }, noise) {
      // Backwards, so that the root of the covariance is its lower Cholesky factor.
      const p = Float64Array.from(h, (_, k) => likelihood * h[n * n - 1 - k]!)
      for (let i = 0; i < n; i++) p[i * n + i]! += prior[at.groupOf[n - 1 - i]!]!
      const backwards = Float64Array.from(noise).reverse()
      return (solveLowerTransposed(cholesky(matrix([n, n], p), 'laplace'), matrix([n], backwards)).data as Float64Array).reverse()
    },
    factors(scales) {
      const inverse = inverseLower(factor(scales)).data
      const root = new Float32Array(n * n)
      for (let i = 0; i < n; i++) for (let j = i; j < n; j++) root[i * n + j] = inverse[j * n + i]! / Math.sqrt(at.precision[i]!)
      return { root: value(root, [n, n]) }
    },
    save: () => ({ full: matrix([n, n], h) }),
  }
}

export const closeFull = (at: Coordinates, sums: Values): Curvature => fullCurvature(at, Float64Array.from(sums['full']!.data))

export const full = (at: Coordinates): Structure => ({
  restore: ({ full: h }) => fullCurvature(at, Float64Array.from(h!.data)),
  covariance(pass, pulled, { root }) {
    const rows = rowsOf(at, pass, pulled)
    const [n, c, p] = rows.shape as [number, number, number]
    const seen = tf.matMul(rows.reshape([n * c, p]), root!).reshape([n, c, p])
    return tf.matMul(seen, seen, false, true)
  },
})
