import { slot, type Dataset, type Evaluation, type Posterior, type Problem, type Run } from 'ockham'
import { z } from 'zod'
import { auxiliary } from '../datasets/index.js'
import { histograms } from '../figures/index.js'
import { mean } from './accuracy.js'
import { auroc, averagePrecision, falsePositiveRate } from './auroc.js'
import { categorical, unlabelled } from './categorical.js'
import { energies, mahalanobis, negativeMaxLogits } from './distances.js'
import { outputsOf } from './outputs.js'
import { checkSplits, predictionsOf } from './predictions.js'
import { decomposition, scores, uncertainty, type Score } from './uncertainty.js'

/** Scores of the network at the posterior's point, beside those of predictions. */
const ofNetwork = ['energy', 'max-logit', 'mahalanobis'] as const

export const oodScores = [...scores, ...ofNetwork] as const

type OodScore = (typeof oodScores)[number]

const isOfPredictions = (score: OodScore): score is Score => (scores as readonly string[]).includes(score)

export const oodOptions = z.strictObject({
  against: slot('dataset').describe('examples from elsewhere, scaled as the training set is'),
  score: z.enum(oodScores).default('entropy').describe('what is higher where the model knows less'),
  split: z.string().default('test').describe('the split that counts as in-distribution'),
})

interface Options {
  readonly against: Dataset
  readonly score: OodScore
  readonly split: string
}

/**
 * How well a score of uncertainty tells another dataset (positive) from the test split (negative): area under the ROC curve, false
 * positive rate at 95 % recall, average precision with either as the positive class, and the mean parts of the entropy, nats.
 * Throws `OCK-EVAL-001`, `-002`, `-005`, `-009`.
 */
export const ood = ({ against, score, split }: Options, { dataset }: { dataset: Dataset }): Evaluation => {
  checkSplits(dataset, [split], 'split')
  // A set that does not fit is refused before training, not after.
  auxiliary(against, dataset, 'against')
  return {
    async evaluate(posterior, problem, run) {
      const other = auxiliary(against, problem.dataset, 'against')
      const inside = categorical(await predictionsOf(posterior, problem.dataset, split), split)
      const outside = categorical(await predictionsOf(posterior, other.dataset, other.split), 'against')
      const [low, high] = isOfPredictions(score)
        ? [uncertainty(inside, score), uncertainty(outside, score)]
        : await networkScores(score, posterior, problem, run, [
            [problem.dataset, split],
            [other.dataset, other.split],
          ])
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

/** A score of logits or of the last layer's inputs, on two splits. */
async function networkScores(
  score: (typeof ofNetwork)[number],
  posterior: Posterior,
  problem: Problem,
  run: Run,
  splits: readonly (readonly [Dataset, string])[],
): Promise<[Float64Array, Float64Array]> {
  const outputs = (dataset: Dataset, split: string) => outputsOf(posterior, problem, dataset, split, run.engine)
  let of = ({ logits, classes }: Awaited<ReturnType<typeof outputs>>): Float64Array =>
    score === 'energy' ? energies(logits, classes) : negativeMaxLogits(logits, classes)
  if (score === 'mahalanobis') {
    const { inputs, features, labels } = await outputs(problem.dataset, 'train')
    if (!labels) throw unlabelled('train')
    const distance = mahalanobis({ features: inputs, labels }, features)
    of = (found) => distance(found.inputs)
  }
  const [inside, outside] = [await outputs(...splits[0]!), await outputs(...splits[1]!)]
  return [of(inside), of(outside)]
}
