import type { Engine, Process, Value, Values } from 'ockham'
import { blockInverse } from '../linalg/index.js'
import type { Observed } from './dirichlet.js'

/** Log marginal likelihood with its derivatives. */
export interface Evidence {
  /** Σ_c log N(t_c | m_c, K + diag(noise_c) + τ_c I), nats. */
  readonly value: number
  /** The terms of the sum. */
  readonly outputs: readonly number[]
  readonly hyper: Values
  /** In the τ_c. */
  readonly noise: Float64Array
}

/** Rows up to which the matrices of all outputs are inverted together; beyond, one after the other, for memory. */
const together = 1500

/** Diagonal [n] of a matrix at `at`, plus noise. */
const ridged = (k: Float64Array, n: number, into: Float64Array, at: number, { noise }: Observed, extra: number): void => {
  into.set(k, at)
  for (let i = 0; i < n; i++) into[at + i * n + i]! += noise[i]! + extra
}

interface Term {
  readonly value: number
  readonly byNoise: number
  readonly alpha: Float64Array
}

/** One output's evidence from its inverse covariance; adds ½ (α αᵀ − Σ⁻¹) to `by`. */
function term(inverse: Float64Array, n: number, logDeterminant: number, residual: Float64Array, by: Float64Array): Term {
  const alpha = new Float64Array(n)
  let [quadratic, trace, size] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    let sum = 0
    for (let j = 0; j < n; j++) sum += inverse[i * n + j]! * residual[j]!
    alpha[i] = sum
    quadratic += sum * residual[i]!
    trace += inverse[i * n + i]!
    size += sum * sum
  }
  for (let i = 0; i < n; i++) for (let j = 0, a = alpha[i]!; j < n; j++) by[i * n + j]! += 0.5 * (a * alpha[j]! - inverse[i * n + j]!)
  return { alpha, byNoise: 0.5 * (size - trace), value: -0.5 * (quadratic + logDeterminant + n * Math.log(2 * Math.PI)) }
}

/**
 * The log marginal likelihood of observations under a process, and its gradient: Rasmussen and Williams 2006, equations 5.8 and 5.9.
 * `extra` [outputs] is τ. Throws `OCK-LINALG-002` where a covariance is not positive definite.
 */
export async function evidence(
  engine: Engine,
  process: Process,
  hyper: Values,
  extra: Float64Array,
  x: Value,
  observed: readonly Observed[],
): Promise<Evidence> {
  const n = x.shape[0]!
  const outputs = observed.length
  const covariance = process.covariance(hyper, x, x)
  const mean = process.mean(hyper, x).data
  const residual = (c: number): Float64Array => observed[c]!.target.map((t, i) => t - mean[i * outputs + c]!)
  const by = new Float64Array(n * n)
  const terms: Term[] = []
  const step = n <= together ? outputs : 1
  for (let from = 0; from < outputs; from += step) {
    const stack = new Float64Array(step * n * n)
    for (let c = 0; c < step; c++) ridged(covariance.data as Float64Array, n, stack, c * n * n, observed[from + c]!, extra[from + c]!)
    const { inverse, logDeterminants } = await blockInverse(engine, { shape: [step, n, n], dtype: 'float64', data: stack })
    for (let c = 0; c < step; c++) {
      const plane = (inverse.data as Float64Array).subarray(c * n * n, (c + 1) * n * n)
      terms.push(term(plane, n, logDeterminants[c]!, residual(from + c), by))
    }
  }
  const byMean = new Float64Array(n * outputs)
  terms.forEach(({ alpha }, c) => alpha.forEach((a, i) => (byMean[i * outputs + c] = a)))
  return {
    value: terms.reduce((sum, t) => sum + t.value, 0),
    outputs: terms.map((t) => t.value),
    hyper: process.gradient(hyper, {
      mean: { x, by: { shape: [n, outputs], dtype: 'float64', data: byMean } },
      covariance: [{ a: x, b: x, by: { shape: [n, n], dtype: 'float64', data: by } }],
    }),
    noise: Float64Array.from(terms, (t) => t.byNoise),
  }
}
