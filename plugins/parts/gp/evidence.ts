import type { Engine, Process, Value, Values } from 'ockham'
import { blockCholesky, blockInverse, gains, inverseFactored, logDeterminant } from '../linalg/index.js'
import type { Observed } from './dirichlet.js'
import { exponentialEvidence, type Residual, type Terms } from './exponential-evidence.js'
import { added, inner, type Exponential } from './kernels/kernel.js'
import type { GpProcess } from './process.js'

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

/** A stack of one matrix, K + diag(noise). */
function ridged(k: Float64Array, n: number, noise: Float64Array): Value {
  const data = Float64Array.from(k)
  for (let i = 0; i < n; i++) data[i * n + i]! += noise[i]!
  return { shape: [1, n, n], dtype: 'float64', data }
}

/** Relative error of α beyond which inverses by halves are not trusted, and the covariance is factored. */
const trusted = 1e-8

interface Term {
  readonly value: number
  readonly byNoise: number
  readonly alpha: Float64Array
  /** ‖r − Σα‖ / ‖r‖. */
  readonly error: number
}

const dotRow = (a: Float64Array, i: number, v: Float64Array): number => {
  const n = v.length
  let sum = 0
  for (let j = 0; j < n; j++) sum += a[i * n + j]! * v[j]!
  return sum
}

/** One output's evidence from its inverse covariance; and how far α is from solving Σ α = r. */
function term(sigma: Float64Array, inverse: Float64Array, n: number, determinant: number, residual: Float64Array): Term {
  const alpha = new Float64Array(n)
  let [quadratic, trace, size] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const sum = dotRow(inverse, i, residual)
    alpha[i] = sum
    quadratic += sum * residual[i]!
    trace += inverse[i * n + i]!
    size += sum * sum
  }
  let missed = 0
  for (let i = 0; i < n; i++) missed += (residual[i]! - dotRow(sigma, i, alpha)) ** 2
  return {
    alpha,
    byNoise: 0.5 * (size - trace),
    value: -0.5 * (quadratic + determinant + n * Math.log(2 * Math.PI)),
    error: Math.sqrt(missed / (inner(residual, residual) || 1)),
  }
}

/** Nothing where halves lose so many digits that a covariance is not positive definite: factors will tell. */
async function unlessIndefinite<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'OCK-LINALG-002') throw error
    return undefined
  }
}

/** One output's evidence, by halves where that is exact enough; adds ½ (α αᵀ − Σ⁻¹) to `by`. */
async function termOf(engine: Engine, covariance: Float64Array, { residual, noise }: Residual, by: Float64Array): Promise<Term> {
  const n = residual.length
  const sigma = ridged(covariance, n, noise)
  const whole = sigma.data as Float64Array
  const halves = gains(engine, n) ? await unlessIndefinite(() => blockInverse(engine, sigma)) : undefined
  let inverse = halves?.inverse.data as Float64Array | undefined
  let found = inverse && term(whole, inverse, n, halves!.logDeterminants[0]!, residual)
  if (!found || !inverse || !(found.error <= trusted)) {
    const factor = await blockCholesky(engine, { ...sigma, shape: [n, n] }, 'evidence')
    inverse = inverseFactored(factor).data as Float64Array
    found = term(whole, inverse, n, logDeterminant(factor), residual)
  }
  const { alpha } = found
  for (let i = 0; i < n; i++) for (let j = 0, a = alpha[i]!; j < n; j++) by[i * n + j]! += 0.5 * (a * alpha[j]! - inverse[i * n + j]!)
  return found
}

/** Outputs whose inverses are held at once, by numbers of rows: memory, and the size of the program. */
const together = (n: number): number => (n <= 1500 ? 4 : 1)

/** The evidence under s exp(−‖z − z'‖²/2), all of it on the runtime. */
async function exponentialTerms(
  engine: Engine,
  whole: Exponential,
  hyper: Values,
  x: Value,
  outputs: readonly Residual[],
): Promise<{ terms: Terms; hyper: Values }> {
  const embedded = whole.embed(hyper, x)
  const groups: Terms[] = []
  const size = together(x.shape[0]!)
  for (let from = 0; from < outputs.length; from += size)
    groups.push(await exponentialEvidence(engine, embedded, x, outputs.slice(from, from + size)))
  const products = groups.slice(1).reduce((sum, g) => sum.map((v, i) => v + g.products[i]!), groups[0]!.products)
  return {
    terms: {
      values: groups.flatMap((g) => g.values),
      alphas: groups.flatMap((g) => g.alphas),
      traces: groups.flatMap((g) => g.traces),
      products,
      error: Math.max(...groups.map((g) => g.error)),
    },
    hyper: whole.pull(hyper, x, products),
  }
}

const outputsTable = (columns: readonly Float64Array[], n: number): Value => {
  const data = new Float64Array(n * columns.length)
  columns.forEach((a, c) => a.forEach((v, i) => (data[i * columns.length + c] = v)))
  return { shape: [n, columns.length], dtype: 'float64', data }
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
  const mean = process.mean(hyper, x).data
  const outputs = observed.map(({ target, noise }, c): Residual => ({
    residual: target.map((t, i) => t - mean[i * observed.length + c]!),
    noise: noise.map((v) => v + extra[c]!),
  }))
  const whole = (process as Partial<GpProcess>).exponential
  if (whole && gains(engine, n)) {
    const found = await unlessIndefinite(() => exponentialTerms(engine, whole, hyper, x, outputs))
    if (found && found.terms.error <= trusted) {
      const { terms, hyper: byKernel } = found
      const byMean = process.gradient(hyper, { mean: { x, by: outputsTable(terms.alphas, n) } })
      return {
        value: terms.values.reduce((a, b) => a + b),
        outputs: terms.values,
        hyper: added(byMean, byKernel),
        noise: Float64Array.from(terms.alphas, (alpha, c) => 0.5 * (inner(alpha, alpha) - terms.traces[c]!)),
      }
    }
  }
  const covariance = process.covariance(hyper, x, x).data as Float64Array
  const by = new Float64Array(n * n)
  const terms: Term[] = []
  for (const output of outputs) terms.push(await termOf(engine, covariance, output, by))
  return {
    value: terms.reduce((sum, t) => sum + t.value, 0),
    outputs: terms.map((t) => t.value),
    hyper: process.gradient(hyper, {
      mean: {
        x,
        by: outputsTable(
          terms.map((t) => t.alpha),
          n,
        ),
      },
      covariance: [{ a: x, b: x, by: { shape: [n, n], dtype: 'float64', data: by } }],
    }),
    noise: Float64Array.from(terms, (t) => t.byNoise),
  }
}
