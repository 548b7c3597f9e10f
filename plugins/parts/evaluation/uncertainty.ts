import { decisions } from './accuracy.js'
import { entropy } from './entropy.js'
import type { Categorical, Normal } from './predictions.js'

/** Names of the scores by which predictions are called uncertain. */
export const scores = ['entropy', 'expected-entropy', 'mutual-information', 'variation-ratio', 'max-probability'] as const

export type Score = (typeof scores)[number]

/** Entropy of each prediction [n] and its two parts, nats: total = expected (aleatoric) + mutual information (epistemic). */
export function decomposition({ probabilities, classes, expectedEntropy }: Categorical) {
  const total = entropy(probabilities, classes)
  // Negative only by rounding.
  return { total, expected: expectedEntropy, mutualInformation: total.map((h, i) => Math.max(0, h - expectedEntropy[i]!)) }
}

/** Uncertainty of each prediction [n], higher for what the model knows less. */
export function uncertainty(predictions: Categorical, score: Score): Float64Array {
  if (score === 'max-probability') return decisions(predictions.probabilities, predictions.classes).confidence.map((p) => 1 - p)
  if (score === 'variation-ratio') return predictions.variationRatio ?? new Float64Array(predictions.rows)
  const { total, expected, mutualInformation } = decomposition(predictions)
  return { entropy: total, 'expected-entropy': expected, 'mutual-information': mutualInformation }[score]
}

/**
 * Parts of the variance of numbers, each as the root of its mean over rows and outputs, in the target's units: `aleatoric`, noise, and `epistemic`, what
 * is left, which more data would take away. Their squares add up to the mean variance.
 */
export function deviations({ variance, noise }: Normal): { readonly aleatoric: number; readonly epistemic: number } | undefined {
  if (!noise) return undefined
  const root = (part: (i: number) => number): number => Math.sqrt(variance.reduce((sum, _, i) => sum + part(i), 0) / variance.length)
  // Negative only by rounding.
  return { aleatoric: root((i) => noise[i]!), epistemic: root((i) => Math.max(0, variance[i]! - noise[i]!)) }
}
