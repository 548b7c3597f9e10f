import type { Process, Value, Values } from 'ockham'
import { choleskyJittered, factorMade, inverseFactored, logDeterminant, matrix, solveFactored, solveLower } from '../linalg/index.js'
import { lowerCovariance, noisy, noisyCovariances } from './blocks.js'
import type { Observed } from './dirichlet.js'

/** Latent functions at points: mean and variance [n, outputs], without noise. */
export interface Latent {
  readonly mean: Value
  readonly variance: Value
}

/** What is left of a process when some of its values have been observed. */
export interface Conditioned {
  latent(at: Value): Latent
  /** Joint covariance of output `c` at points [n, n]. */
  covariance(at: Value, c: number): Value
  /** Log marginal likelihood of each output. */
  readonly evidence: readonly number[]
  /** Prediction of each observation, noise included, from all others: Rasmussen and Williams 2006, equations 5.10 to 5.12. */
  leaveOneOut(): Latent & { readonly logDensity: number }
  /** Conditioned on more observations at the same hyper-parameters; what was factored is not factored again. */
  fantasy(x: Value, observed: readonly Observed[]): Conditioned
}

interface Output {
  readonly factor: Value
  readonly residual: Float64Array
  readonly alpha: Float64Array
}

function factorsOf(process: Process, hyper: Values, extra: Float64Array, x: Value, observed: readonly Observed[]): Value[] {
  return Array.from(noisyCovariances(process, hyper, extra, x, observed), (sigma, c) => {
    let first: Float64Array | undefined = sigma
    // Only a covariance that is not positive definite is made once more.
    const made = (): Float64Array => {
      const given = first ?? noisy(lowerCovariance(process, hyper, x), observed[c]!.noise, extra[c]!)
      first = undefined
      return given
    }
    return factorMade(x.shape[0]!, made).factor
  })
}

/** The factor of [[A, Bᵀ], [B, C]] from that of A: rows L⁻¹ Bᵀ below it, and the factor of what is left of C. */
function extended(factor: Value, b: Value, c: Value): Value {
  const [n, m] = [factor.shape[0]!, c.shape[0]!]
  const across = solveLower(factor, b)
  const left = Float64Array.from(c.data)
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) for (let r = 0; r < n; r++) left[i * m + j]! -= across.data[r * m + i]! * across.data[r * m + j]!
  const corner = choleskyJittered(matrix([m, m], left)).factor
  const data = new Float64Array((n + m) * (n + m))
  for (let i = 0; i < n; i++) data.set((factor.data as Float64Array).subarray(i * n, (i + 1) * n), i * (n + m))
  for (let i = 0; i < m; i++) {
    for (let r = 0; r < n; r++) data[(n + i) * (n + m) + r] = across.data[r * m + i]!
    for (let j = 0; j <= i; j++) data[(n + i) * (n + m) + n + j] = corner.data[i * m + j]!
  }
  return matrix([n + m, n + m], data)
}

const joined = (a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

/**
 * A process given observations `observed` (one entry an output) at `x` [n, d] with noise variances known up to τ = `extra` [outputs].
 * `factors`, where they are known, are the Cholesky factors of the noisy covariances.
 */
export function condition(
  process: Process,
  hyper: Values,
  extra: Float64Array,
  x: Value,
  observed: readonly Observed[],
  factors?: readonly Value[],
): Conditioned {
  const n = x.shape[0]!
  const count = observed.length
  const mean = process.mean(hyper, x).data
  const known = factors ?? factorsOf(process, hyper, extra, x, observed)
  const outputs = observed.map(({ target }, c): Output => {
    const factor = known[c]!
    const residual = target.map((t, i) => t - mean[i * count + c]!)
    return { factor, residual, alpha: solveFactored(factor, matrix([n], residual)).data as Float64Array }
  })
  const table = (m: number, of: (i: number, c: number) => number): Value =>
    matrix(
      [m, count],
      Float64Array.from({ length: m * count }, (_, i) => of(Math.floor(i / count), i % count)),
    )
  return {
    evidence: outputs.map(({ factor, residual, alpha }) => {
      const quadratic = residual.reduce((sum, r, i) => sum + r * alpha[i]!, 0)
      return -0.5 * (quadratic + logDeterminant(factor) + n * Math.log(2 * Math.PI))
    }),
    latent(at) {
      const m = at.shape[0]!
      const across = process.covariance(hyper, x, at)
      const [prior, variance] = [process.mean(hyper, at).data, process.variance(hyper, at).data]
      const found = outputs.map(({ factor, alpha }) => {
        const half = solveLower(factor, across).data
        const [means, kept] = [new Float64Array(m), Float64Array.from(variance)]
        for (let r = 0; r < n; r++)
          for (let i = 0; i < m; i++) {
            means[i]! += across.data[r * m + i]! * alpha[r]!
            kept[i]! -= half[r * m + i]! ** 2
          }
        return { means, kept }
      })
      return {
        mean: table(m, (i, c) => prior[i * count + c]! + found[c]!.means[i]!),
        // Rounding must not make a variance negative.
        variance: table(m, (i, c) => Math.max(found[c]!.kept[i]!, 1e-12 * variance[i]!)),
      }
    },
    covariance(at, c) {
      const m = at.shape[0]!
      const half = solveLower(outputs[c]!.factor, process.covariance(hyper, x, at)).data
      const data = Float64Array.from(process.covariance(hyper, at, at).data)
      for (let r = 0; r < n; r++)
        for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) data[i * m + j]! -= half[r * m + i]! * half[r * m + j]!
      return matrix([m, m], data)
    },
    leaveOneOut() {
      const inverses = outputs.map(({ factor }) => inverseFactored(factor).data)
      const variance = table(n, (i, c) => 1 / inverses[c]![i * n + i]!)
      const means = table(n, (i, c) => observed[c]!.target[i]! - outputs[c]!.alpha[i]! * variance.data[i * count + c]!)
      let logDensity = 0
      for (let i = 0; i < n * count; i++) {
        const [v, e] = [variance.data[i]!, observed[i % count]!.target[Math.floor(i / count)]! - means.data[i]!]
        logDensity -= 0.5 * (Math.log(2 * Math.PI * v) + (e * e) / v)
      }
      return { mean: means, variance, logDensity }
    },
    fantasy(more, seen) {
      const all = matrix([n + more.shape[0]!, x.shape[1]!], joined(Float64Array.from(x.data), Float64Array.from(more.data)))
      const across = process.covariance(hyper, x, more)
      const inside = process.covariance(hyper, more, more)
      const grown = outputs.map(({ factor }, c) =>
        extended(factor, across, matrix(inside.shape, noisy(Float64Array.from(inside.data), seen[c]!.noise, extra[c]!))),
      )
      const both = observed.map((o, c) => ({ target: joined(o.target, seen[c]!.target), noise: joined(o.noise, seen[c]!.noise) }))
      return condition(process, hyper, extra, all, both, grown)
    },
  }
}
