import { slot, type Dataset, type Evaluation } from 'ockham'
import { z } from 'zod'
import { auxiliary } from '../datasets/index.js'
import { histograms } from '../figures/index.js'
import { mean } from './accuracy.js'
import { auroc, averagePrecision, falsePositiveRate } from './auroc.js'
import { categorical } from './categorical.js'
import { checkSplits, predictionsOf } from './predictions.js'
import { decomposition, scores, uncertainty } from './uncertainty.js'

export const oodOptions = z.strictObject({
  against: slot('dataset').describe('examples from elsewhere, scaled as the training set is'),
  score: z.enum(scores).default('entropy').describe('what is higher where the model knows less'),
  split: z.string().default('test').describe('the split that counts as in-distribution'),
})

interface Options {
  readonly against: Dataset
  readonly score: (typeof scores)[number]
  readonly split: string
}

/**
 * How well a score of uncertainty tells another dataset (positive) from the test split (negative): area under the ROC curve, false
 * positive rate at 95 % recall, average precision with either as the positive class, and the mean parts of the entropy, nats.
 * Throws `OCK-EVAL-001`, `-002`, `-005`.
 */
export const ood = ({ against, score, split }: Options, { dataset }: { dataset: Dataset }): Evaluation => {
  checkSplits(dataset, [split], 'split')
  // A set that does not fit is refused before training, not after.
  auxiliary(against, dataset, 'against')
  return {
    async evaluate(posterior, problem) {
      const other = auxiliary(against, problem.dataset, 'against')
      const inside = categorical(await predictionsOf(posterior, problem.dataset, split), split)
      const outside = categorical(await predictionsOf(posterior, other.dataset, other.split), 'against')
      const [low, high] = [uncertainty(inside, score), uncertainty(outside, score)]
      const [within, beyond] = [decomposition(inside), decomposition(outside)]
      const negated = (x: Float64Array) => x.map((v) => -v)
      return {
        values: {
          [`${split}/auroc`]: auroc(high, low),
          [`${split}/fpr95`]: falsePositiveRate(high, low),
          [`${split}/aupr-out`]: averagePrecision(high, low),
          [`${split}/aupr-in`]: averagePrecision(negated(low), negated(high)),
          [`${split}/entropy`]: mean(within.total),
          'ood/entropy': mean(beyond.total),
          // A prediction without members has none, by definition: that is not a finding.
          ...([...within.mutualInformation, ...beyond.mutualInformation].some((i) => i > 0) && {
            [`${split}/mutual-information`]: mean(within.mutualInformation),
            'ood/mutual-information': mean(beyond.mutualInformation),
          }),
        },
        figures: { [`${split}/ood`]: histograms({ [split]: low, elsewhere: high }, { x: score.replace('-', ' ') }) },
      }
    },
  }
}
