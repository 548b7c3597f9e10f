import type { Run } from 'ockham'

/*
 * One set of scales for every Bayesian method, so that no factor of N or T is applied twice or forgotten.
 *
 *   N          training examples, never batches            ℓ_n(θ)   −log p(y_n | x_n, θ), nats
 *   L          (1/N) Σ ℓ_n, the mean loss                   R(θ)     −log p(θ), nats for the whole data set
 *   U = N L + R, the energy                                 target   exp(−U / T), T the posterior's temperature
 *
 * A step on the mean loss therefore sees R/N. Noise σ is a standard deviation; a likelihood temperature divides the likelihood's
 * curvature alone, a posterior temperature divides the whole energy.
 */

/** Prior precision δ that a weight decay λ stands for, where λ θ is added to the gradient of the mean loss: δ = N λ. */
export const precisionOfDecay = (decay: number, examples: number): number => examples * decay

/** Weight decay on the mean loss of a prior precision: λ = δ / N. */
export const decayOfPrecision = (precision: number, examples: number): number => precision / examples

/**
 * Factor r of a penalty r ‖θ‖² beside the mean of half squared errors, as other libraries write a regression with noise precision τ = 1/σ²: multiplied by τ it is
 * the mean loss and δ/2N of a prior precision δ, hence r = δ / 2Nτ.
 */
export const penaltyOfPrecision = (precision: number, examples: number, noisePrecision: number): number =>
  precision / (2 * examples * noisePrecision)

/** Prior precision that a length scale l stands for under dropout at a rate p: l² (1 − p) (Gal and Ghahramani 2016). */
export const precisionOfLengthScale = (lengthScale: number, rate: number): number => lengthScale * lengthScale * (1 - rate)

/** Energy U of a mean loss and a prior's energy R, nats. */
export const energyOf = (meanLoss: number, priorEnergy: number, examples: number): number => examples * meanLoss + priorEnergy

/** Step h on the mean loss (with R/N) that does what a step e does on the energy: h = e N. */
export const meanLossStep = (step: number, examples: number): number => step * examples

/** Variance of the noise of a Langevin step h on the mean loss: 2 h T / N. */
export const langevinVariance = (step: number, examples: number, posteriorTemperature = 1): number =>
  (2 * step * posteriorTemperature) / examples

/** What the curvature of half a sum of squared errors is multiplied by: 1 / (σ² T). */
export const curvatureScale = (noise: number, likelihoodTemperature = 1): number => 1 / (noise * noise * likelihoodTemperature)

/** Log-likelihood of residuals under normal noise, its normaliser included: −½ SSE/σ² − n log(σ √2π); n counts numbers, not rows. */
export const gaussianLogLikelihood = (squaredErrors: number, count: number, noise: number): number =>
  -squaredErrors / (2 * noise * noise) - count * Math.log(noise * Math.sqrt(2 * Math.PI))

const short = (x: number): string => String(Number(x.toPrecision(4)))

/** A precision in the units that other programs use, for a reader who compares. */
export const inWords = (precision: number, examples: number): string =>
  `prior precision ${short(precision)} (standard deviation ${short(1 / Math.sqrt(precision))}) is weight decay ${short(decayOfPrecision(precision, examples))} on the mean loss of ${examples} examples`

/** Says so where a temperature other than 1 makes the posterior another one than Bayes' rule gives: `OCK-BAYES-001`. */
export function warnOfTemperature(
  run: Pick<Run, 'emit'>,
  which: 'likelihoodTemperature' | 'posteriorTemperature',
  temperature: number,
): void {
  if (temperature === 1) return
  const what =
    which === 'likelihoodTemperature'
      ? `the likelihood's curvature is divided by ${temperature}, the prior's is not`
      : `likelihood and prior are both raised to the power ${short(1 / temperature)}`
  run.emit({ type: 'warning', code: 'OCK-BAYES-001', message: `${which} is ${temperature}, not 1: ${what}` })
}

/** Says what a weight decay means as a prior, where a method has to take one for the other: `OCK-BAYES-002`. */
export function warnOfDecay(run: Pick<Run, 'emit'>, decay: number, examples: number): void {
  const message = `weight decay ${short(decay)} was taken as a prior: ${inWords(precisionOfDecay(decay, examples), examples)}`
  run.emit({ type: 'warning', code: 'OCK-BAYES-002', message })
}
