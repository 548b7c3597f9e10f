import type { Engine, Process, Value, Values } from 'ockham'
import { blockCholesky, gains, inverseFactored, logDeterminant, matrix, paddedRows, solveFactored } from '../linalg/index.js'
import { covarianceEvidence, releaseCovariance } from './covariance-evidence.js'
import type { Observed } from './dirichlet.js'
import { embeddedEvidence, releaseEmbedded } from './embedded-evidence.js'
import { added, inner, type Embedded } from './kernels/kernel.js'
import type { GpProcess } from './process.js'
import { addQuarters, covarianceQuarters, gradientOfQuarters } from './quartered.js'
import type { Residual, Terms } from './solved.js'

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

/** Relative error of α beyond which inverses by halves are not trusted, and the covariance is factored. */
const trusted = 1e-8

/** Nothing where halves lose so many digits that a covariance is not positive definite: factors will tell. */
async function unlessIndefinite<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'OCK-LINALG-002') throw error
    return undefined
  }
}

/** Outputs whose inverses are held at once, by numbers of rows: memory, and the size of the program. */
const together = (n: number): number => (n <= 1500 ? 4 : 1)

/** Terms by groups of outputs, what a group adds to the derivatives being summed. */
async function grouped<T>(
  outputs: readonly Residual[],
  of: (group: readonly Residual[]) => Promise<Terms & { readonly part: T }>,
  add: (a: T, b: T) => T,
): Promise<Terms & { readonly part: T }> {
  const size = together(outputs[0]!.residual.length)
  let all = await of(outputs.slice(0, size))
  for (let from = size; from < outputs.length; from += size) {
    const more = await of(outputs.slice(from, from + size))
    all = {
      values: [...all.values, ...more.values],
      alphas: [...all.alphas, ...more.alphas],
      traces: [...all.traces, ...more.traces],
      error: Math.max(all.error, more.error),
      part: add(all.part, more.part),
    }
  }
  return all
}

type WithGradient = Terms & { readonly hyper: Values }

/** The evidence under s f(‖z − z'‖²), all of it on the runtime. */
async function embeddedTerms(
  engine: Engine,
  whole: Embedded,
  hyper: Values,
  x: Value,
  outputs: readonly Residual[],
): Promise<WithGradient> {
  const embedded = whole.embed(hyper, x)
  const { part, ...terms } = await grouped(
    outputs,
    async (group) => {
      const { products, byLogVariance, ...rest } = await embeddedEvidence(engine, whole.profile, embedded, x, group)
      return { ...rest, part: { products, byLogVariance } }
    },
    (a, b) => ({ products: a.products.map((v, i) => v + b.products[i]!), byLogVariance: a.byLogVariance + b.byLogVariance }),
  )
  return { ...terms, hyper: whole.pull(hyper, x, part.products, part.byLogVariance) }
}

/** The evidence under a covariance that the host makes and differentiates, its inverses on the runtime. */
async function covarianceTerms(
  engine: Engine,
  process: Process,
  hyper: Values,
  x: Value,
  outputs: readonly Residual[],
): Promise<WithGradient> {
  const k = covarianceQuarters(process, hyper, x, paddedRows(x.shape[0]!))
  const { part, ...terms } = await grouped(
    outputs,
    async (group) => {
      const { by, ...rest } = await covarianceEvidence(engine, k, group)
      return { ...rest, part: by }
    },
    addQuarters,
  )
  return { ...terms, hyper: gradientOfQuarters(process, hyper, x, part) }
}

/** The evidence from Cholesky factors: small problems, engines without float64, and covariances too ill-conditioned for halves. */
async function factoredTerms(
  engine: Engine,
  process: Process,
  hyper: Values,
  x: Value,
  outputs: readonly Residual[],
): Promise<WithGradient> {
  const n = x.shape[0]!
  const covariance = process.covariance(hyper, x, x).data
  const by = new Float64Array(n * n)
  const [values, alphas, traces]: [number[], Float64Array[], number[]] = [[], [], []]
  for (const { residual, noise } of outputs) {
    const sigma = Float64Array.from(covariance)
    for (let i = 0; i < n; i++) sigma[i * n + i]! += noise[i]!
    const factor = await blockCholesky(engine, matrix([n, n], sigma), { where: 'evidence', overwrite: true })
    const alpha = solveFactored(factor, matrix([n], residual)).data as Float64Array
    const inverse = inverseFactored(factor).data
    let trace = 0
    for (let i = 0; i < n; i++) {
      trace += inverse[i * n + i]!
      for (let j = 0, a = alpha[i]!; j < n; j++) by[i * n + j]! += 0.5 * (a * alpha[j]! - inverse[i * n + j]!)
    }
    values.push(-0.5 * (inner(residual, alpha) + logDeterminant(factor) + n * Math.log(2 * Math.PI)))
    alphas.push(alpha)
    traces.push(trace)
  }
  const byKernel = process.gradient(hyper, { covariance: [{ a: x, b: x, by: matrix([n, n], by) }] })
  return { values, alphas, traces, error: 0, hyper: byKernel }
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
  const whole = (process as Partial<GpProcess>).embedded
  const halves = !gains(engine, n)
    ? undefined
    : await unlessIndefinite(() =>
        whole ? embeddedTerms(engine, whole, hyper, x, outputs) : covarianceTerms(engine, process, hyper, x, outputs),
      )
  const terms = halves && halves.error <= trusted ? halves : await factoredTerms(engine, process, hyper, x, outputs)
  const byMean = process.gradient(hyper, { mean: { x, by: outputsTable(terms.alphas, n) } })
  return {
    value: terms.values.reduce((a, b) => a + b),
    outputs: terms.values,
    hyper: added(byMean, terms.hyper),
    noise: Float64Array.from(terms.alphas, (alpha, c) => 0.5 * (inner(alpha, alpha) - terms.traces[c]!)),
  }
}

/** Gives back the memory that the runtime keeps between two calls of `evidence`: up to 3 n² numbers. */
export function releaseEvidence(engine: Engine): void {
  releaseEmbedded(engine)
  releaseCovariance(engine)
}
