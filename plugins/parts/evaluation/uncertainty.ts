import { decisions } from './accuracy.js'
import { entropy } from './entropy.js'
import type { Categorical } from './predictions.js'

/** Names of the scores by which predictions are called uncertain. */
export const scores = ['entropy', 'expected-entropy', 'mutual-information', 'max-probability'] as const

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
  const { total, expected, mutualInformation } = decomposition(predictions)
  return { entropy: total, 'expected-entropy': expected, 'mutual-information': mutualInformation }[score]
}
