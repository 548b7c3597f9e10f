import { correctness, decisions, mean } from './accuracy.js'
import { labelled, unlabelled } from './categorical.js'
import type { Predictions } from './predictions.js'
import { nll, normalNll, rmse } from './scores.js'

/**
 * How well predictions fit the labels: `accuracy` of class probabilities, or `rmse` of normal predictions in the target's units, and
 * the mean negative log-likelihood `nll`, nats an example. Training and evaluation report these same numbers.
 * Throws `OCK-EVAL-003` for a label that is no class, `-004` where there are none; `where` names the split.
 */
export function fitOf(predictions: Predictions, where: string): Record<string, number> & { readonly nll: number } {
  if (predictions.kind === 'categorical') {
    const { probabilities, classes, labels } = labelled(predictions, where)
    return {
      accuracy: mean(correctness(decisions(probabilities, classes).predicted, labels)),
      nll: nll(probabilities, classes, labels),
    }
  }
  const { mean: means, variance, targets, outputs } = predictions
  if (!targets) throw unlabelled(where)
  return { rmse: rmse(means, targets), nll: normalNll(means, variance, targets, outputs) }
}
