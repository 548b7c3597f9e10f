import type { Bound, Certificate, Dataset, DatasetMeta } from 'ockham'
import { brierScores, checkSplits, correctness, decisions, labelled, predictionsOf } from '../evaluation/index.js'
import { digests } from './digest.js'

/** Losses in [0, 1] of a split's examples. */
export type Loss = 'error' | 'brier'

export interface Losses {
  readonly n: number
  readonly sum: number
  /** Unbiased sample variance; 0 of a single example. */
  readonly variance: number
}

const quantities: Readonly<Record<Loss, string>> = {
  error: 'error rate on the distribution that the split was drawn from',
  brier: 'half the Brier score on the distribution that the split was drawn from',
}

/** What holds without data: at worst every example is wrong, with certainty. */
const trivial = 1

/** What is drawn, as the dataset says; else images are told by two or more axes. */
export const unitOf = ({ unit, shapes }: DatasetMeta): string => unit ?? ((shapes['x']?.shape.length ?? 0) >= 2 ? 'image' : 'example')

/** How the split was drawn. Where the dataset says that examples depend on each other, the bound holds given what they share. */
export const drawn = (split: string, unit: string, dependence: string | undefined): string =>
  dependence === undefined
    ? `Each ${unit} of the ${split} split was drawn independently from one and the same distribution; the bound is about that distribution, not a shifted one.`
    : `The draws of the ${split} split are not independent: ${dependence}. The bound is conditional on what they share: it takes each ${unit} as drawn independently given that, and says nothing about examples from elsewhere.`

const assumptions = (split: string, { dependence, ...meta }: DatasetMeta): string[] => [
  drawn(split, unitOf(meta), dependence),
  `The ${split} split took no part in training, tuning, early stopping or choosing this model among others; otherwise the bound does not hold.`,
  'The predictor is the posterior with the digest given; where prediction draws, with the draws that it was evaluated with.',
]

/** A bound that looks at the losses of a held-out split and at nothing else. */
export const testSetBound = (
  { split, loss, formula }: { readonly split: string; readonly loss: Loss; readonly formula?: string },
  bound: (losses: Losses, delta: number) => number,
  { dataset }: { dataset: Dataset },
): Bound => {
  checkSplits(dataset, [split], 'split')
  return {
    async certify(posterior, problem, _run, delta): Promise<Certificate> {
      const { probabilities, classes, labels } = labelled(await predictionsOf(posterior, problem.dataset, split), split)
      const losses =
        loss === 'error'
          ? Array.from(correctness(decisions(probabilities, classes).predicted, labels), (right) => 1 - right)
          : Array.from(brierScores(probabilities, classes, labels), (score) => score / 2)
      const sum = losses.reduce((a, b) => a + b, 0)
      const n = losses.length
      const variance = n > 1 ? losses.reduce((v, x) => v + (x - sum / n) ** 2, 0) / (n - 1) : 0
      const value = Math.min(trivial, bound({ n, sum, variance }, delta))
      const { meta } = problem.dataset
      return {
        bound: 'test set',
        quantity: quantities[loss],
        unit: unitOf(meta),
        value,
        trivial,
        vacuous: value >= trivial,
        confidence: 1 - delta,
        terms: { n, ...(loss === 'error' ? { errors: sum } : {}), rate: sum / n, variance, delta },
        ...(formula === undefined ? {} : { formula }),
        assumptions: assumptions(split, meta),
        digests: digests(posterior, meta),
      }
    },
  }
}
