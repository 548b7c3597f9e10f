/*
 * Scores of numbers. Residuals: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018. Quantiles: Romano, Patterson, Candès 2019. Jackknife+:
 * Barber, Candès, Ramdas, Tibshirani 2021.
 */
import { conformalThreshold } from '../bounds/index.js'

export const numberScores = ['residual', 'normalised', 'cqr'] as const

export type NumberScore = (typeof numberScores)[number]

/** |y − mean|. */
export const residuals = (mean: ArrayLike<number>, y: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: y.length }, (_, i) => Math.abs(y[i]! - mean[i]!))

/** |y − mean| / s. */
export const normalisedResiduals = (mean: ArrayLike<number>, s: ArrayLike<number>, y: ArrayLike<number>): Float64Array =>
  residuals(mean, y).map((r, i) => r / s[i]!)

/** How far y is outside of [low, high]; below 0 inside. */
export const quantileScores = (low: ArrayLike<number>, high: ArrayLike<number>, y: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: y.length }, (_, i) => Math.max(low[i]! - y[i]!, y[i]! - high[i]!))

/** The largest of every `outputs` numbers: a box around all outputs of an example covers exactly where its widest side does. */
export const largest = (scores: Float64Array, outputs: number): Float64Array =>
  Float64Array.from({ length: scores.length / outputs }, (_, i) =>
    scores.subarray(i * outputs, (i + 1) * outputs).reduce((a, b) => Math.max(a, b), -Infinity),
  )

export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * The interval of the jackknife+ at one new input, from the n models that each left one example out: `predicted` [n] are their predictions there,
 * `left` [n] their absolute residuals on what they left out. It covers with probability 1 − 2 alpha at least, and about 1 − alpha. With folds left
 * out instead of examples it is CV+.
 */
export function jackknifePlus(predicted: ArrayLike<number>, left: ArrayLike<number>, alpha: number): Interval {
  const up = Float64Array.from({ length: left.length }, (_, i) => predicted[i]! + left[i]!)
  const down = Float64Array.from({ length: left.length }, (_, i) => left[i]! - predicted[i]!)
  return { low: -conformalThreshold(down, alpha), high: conformalThreshold(up, alpha) }
}
