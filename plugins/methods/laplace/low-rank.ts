import type { Values } from 'ockham'
import { tf } from 'ockham/tensor'
import { eigenSymmetric, gram, matrix, product, transpose } from '../../parts/linalg/index.js'
import { value } from '../../parts/training/index.js'
import type { Coordinates, Scales } from './coordinates.js'
import { rowsOf } from './full.js'
import type { Curvature, Structure } from './structure.js'

/** Directions U [k, P], orthonormal rows, and eigenvalues of s T^(−1/2) H T^(−1/2) along them. */
interface Spectrum {
  readonly u: Float64Array
  readonly l: Float64Array
}

/** Eigenvalues and vectors of W Wᵀ from the small side: W given by its rows [k, P], scaled by `scale` [P]. */
function spectrumOf(rows: Float64Array, k: number, size: number, scale: (i: number) => number): Spectrum {
  const w = Float64Array.from(rows, (v, i) => v * scale(i % size))
  const { values, vectors } = eigenSymmetric(gram(matrix([k, size], w)))
  const top = values.data[k - 1] ?? 0
  const kept = Array.from({ length: k }, (_, j) => k - 1 - j).filter((j) => values.data[j]! > 1e-10 * top && values.data[j]! > 0)
  const turn = matrix(
    [kept.length, k],
    Float64Array.from(kept.flatMap((j) => Array.from({ length: k }, (_, i) => vectors.data[i * k + j]! / Math.sqrt(values.data[j]!)))),
  )
  const u = kept.length > 0 ? (product(turn, matrix([k, size], w)).data as Float64Array) : new Float64Array(0)
  return { u, l: Float64Array.from(kept, (j) => values.data[j]!) }
}

/**
 * H = WᵀW with few rows W [k, P]: eigenvectors of a Krylov space, each by the root of its eigenvalue, or Jacobians of data points. All that is
 * asked follows from the k × k matrix W T⁻¹ Wᵀ (Woodbury; the determinant lemma).
 */
export function lowRankCurvature(at: Coordinates, rows: Float64Array): Curvature {
  const { size, groupOf, groups } = at
  const k = rows.length / size
  // Of one group, a spectrum serves every scale.
  let base: Spectrum | undefined
  const spectrum = ({ prior, likelihood }: Scales): Spectrum => {
    if (groups > 1) return spectrumOf(rows, k, size, (i) => Math.sqrt(likelihood / prior[groupOf[i]!]!))
    base ??= spectrumOf(rows, k, size, () => 1)
    return { u: base.u, l: base.l.map((l) => (l * likelihood) / prior[0]!) }
  }
  return {
    settle(scales) {
      const { u, l } = spectrum(scales)
      const traces = new Float64Array(groups)
      for (let i = 0; i < size; i++) {
        let kept = 1
        l.forEach((e, j) => (kept -= (u[j * size + i]! ** 2 * e) / (1 + e)))
        traces[groupOf[i]!]! += kept / scales.prior[groupOf[i]!]!
      }
      return { logDeterminant: l.reduce((sum, e) => sum + Math.log1p(e), 0), traces }
    },
    async draw(scales, noise) {
      const { u, l } = spectrum(scales)
      const out = Float64Array.from(noise)
      l.forEach((e, j) => {
        let along = 0
        for (let i = 0; i < size; i++) along += u[j * size + i]! * noise[i]!
        const by = (1 / Math.sqrt(1 + e) - 1) * along
        for (let i = 0; i < size; i++) out[i]! += by * u[j * size + i]!
      })
      return out.map((v, i) => v / Math.sqrt(scales.prior[groupOf[i]!]!))
    },
    factors(scales) {
      const { u, l } = spectrum(scales)
      // A direction without weight where there is none, since a tensor has at least one row.
      const [basis, shrink] = l.length > 0 ? [u, l.map((e) => 1 / (1 + e))] : [new Float64Array(size), Float64Array.of(1)]
      const scale = Float64Array.from({ length: size }, (_, i) => 1 / Math.sqrt(at.precision[i]! * scales.prior[groupOf[i]!]!))
      return {
        basis: value(transpose(matrix([shrink.length, size], basis)).data, [size, shrink.length]),
        shrink: value(shrink),
        scale: value(scale),
      }
    },
    save: () => ({ rows: matrix([k, size], rows) }),
  }
}

export const lowRank = (at: Coordinates): Structure => ({
  restore: ({ rows }: Values) => lowRankCurvature(at, Float64Array.from(rows!.data)),
  covariance(pass, pulled, { basis, shrink, scale }) {
    const rows = rowsOf(at, pass, pulled).mul(scale!)
    const [n, c, p] = rows.shape as [number, number, number]
    const flat = rows.reshape([n * c, p])
    const along = tf.matMul(flat, basis!)
    // What lies across the directions is as the prior has it; kept apart, so that nothing large is taken from something large.
    const across = flat.sub(tf.matMul(along, basis!, false, true)).reshape([n, c, p])
    const inside = along.reshape([n, c, -1])
    return tf.matMul(inside.mul(shrink!), inside, false, true).add(tf.matMul(across, across, false, true))
  },
})
