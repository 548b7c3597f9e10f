import { RunError } from 'ockham'
import { normalQuantile, type Categorical, type Normal } from '../evaluation/index.js'
import { adaptiveScores, ofLabels, setsOf, thresholdScores, type ClassScore, type Penalty } from './classes.js'
import { largest, normalisedResiduals, quantileScores, residuals, type NumberScore } from './numbers.js'

/** A score on a split: that of what came, and how large the set of all that score no higher is. */
export interface Scored {
  readonly name: ClassScore | NumberScore
  /** Score of each row's label or target [n]. */
  readonly own: Float64Array
  /** What `sizes` counts: classes, or units of the target. */
  readonly measure: 'set-size' | 'interval-width'
  /** Size of each row's set at a threshold [n]. */
  sizes(threshold: number): Float64Array
}

/** Scores of class probabilities. */
export function scoredClasses(
  { probabilities, classes, labels }: Categorical & { readonly labels: Int32Array },
  u: ArrayLike<number>,
  penalty: Penalty,
): Scored[] {
  const all = {
    thr: thresholdScores(probabilities),
    aps: adaptiveScores(probabilities, classes, u),
    raps: adaptiveScores(probabilities, classes, u, penalty),
  } satisfies Record<ClassScore, Float64Array>
  return Object.entries(all).map(([name, scores]) => ({
    name: name as ClassScore,
    own: ofLabels(scores, classes, labels),
    measure: 'set-size',
    sizes: (threshold) => Float64Array.from(setsOf(scores, classes, labels, threshold).sizes),
  }))
}

/**
 * Scores of normal predictions; of several outputs a box around all. Widths are the mean over outputs, in the target's units. `cqr` starts from the
 * quantiles alpha/2 and 1 − alpha/2 of the predictive distribution.
 */
export function scoredNumbers({ mean, variance, targets, outputs }: Normal, split: string, alpha: number): Scored[] {
  if (!targets)
    throw new RunError({
      code: 'OCK-EVAL-004',
      what: 'there are no labels to compare predictions with',
      where: split,
      remedy: 'choose a labelled split',
    })
  const s = variance.map(Math.sqrt)
  const z = normalQuantile(1 - alpha / 2)
  const of = (name: NumberScore, scores: Float64Array, width: (i: number, threshold: number) => number): Scored => ({
    name,
    own: largest(scores, outputs),
    measure: 'interval-width',
    sizes: (threshold) =>
      Float64Array.from({ length: scores.length / outputs }, (_, i) => {
        let sum = 0
        for (let d = 0; d < outputs; d++) sum += Math.max(0, width(i * outputs + d, threshold))
        return sum / outputs
      }),
  })
  const [low, high] = [mean.map((m, i) => m - z * s[i]!), mean.map((m, i) => m + z * s[i]!)]
  return [
    of('residual', residuals(mean, targets), (_, q) => 2 * q),
    of('normalised', normalisedResiduals(mean, s, targets), (i, q) => 2 * q * s[i]!),
    of('cqr', quantileScores(low, high, targets), (i, q) => high[i]! - low[i]! + 2 * q),
  ]
}
