import { slot, type Dataset, type Evaluation } from 'ockham'
import { z } from 'zod'
import { auxiliary } from '../datasets/index.js'
import { lines } from '../figures/index.js'
import { correctness, decisions } from './accuracy.js'
import { categorical, labelled } from './categorical.js'
import { checkSplits, predictionsOf } from './predictions.js'
import { generalisedRiskArea, riskCoverageArea, risks, selectiveArea, selectiveCurve } from './selective.js'
import { scores, uncertainty } from './uncertainty.js'

export const selectiveOptions = z.strictObject({
  split: z.string().default('test').describe('the split to evaluate'),
  score: z.enum(scores).default('entropy').describe('the most uncertain by this score are refused first'),
  against: slot('dataset').optional().describe('examples from elsewhere: mixed in, every prediction on them wrong, in a second curve'),
})

interface Options {
  readonly split: string
  readonly score: (typeof scores)[number]
  readonly against?: Dataset | undefined
}

const joined = (a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

/**
 * Area under accuracy against coverage, in percent of coverage, so that 99.9 is perfect. With `against`, also the area where examples
 * from elsewhere are mixed in and count as wrong (`selective-joint`). Throws `OCK-EVAL-001`, `-002`, `-004`, `-005`.
 */
export const selective = ({ split, score, against }: Options, { dataset }: { dataset: Dataset }): Evaluation => {
  checkSplits(dataset, [split], 'split')
  return {
    async evaluate(posterior, problem) {
      const found = labelled(await predictionsOf(posterior, problem.dataset, split), split)
      const unsure = uncertainty(found, score)
      const correct = correctness(decisions(found.probabilities, found.classes).predicted, found.labels)
      const risk = risks(unsure, correct)
      const curves = { selective: selectiveCurve(unsure, correct) }
      if (against) {
        const other = auxiliary(against, problem.dataset, 'against')
        const beyond = uncertainty(categorical(await predictionsOf(posterior, other.dataset, other.split), 'against'), score)
        // Beyond the right ones the array is read as wrong.
        const all = Uint8Array.from({ length: unsure.length + beyond.length }, (_, i) => correct[i] ?? 0)
        Object.assign(curves, { 'selective-joint': selectiveCurve(joined(unsure, beyond), all) })
      }
      return {
        values: {
          ...Object.fromEntries(Object.entries(curves).map(([name, curve]) => [`${split}/${name}`, selectiveArea(curve)])),
          [`${split}/aurc`]: riskCoverageArea(risk),
          ...(risk.length > 1 && { [`${split}/augrc`]: generalisedRiskArea(risk) }),
        },
        figures: {
          [`${split}/selective`]: lines(
            Object.entries(curves).map(([name, curve]) => ({
              name: name === 'selective' ? 'in distribution' : 'mixed',
              points: curve.map((p) => [p.coverage, p.accuracy] as const),
            })),
            { x: 'coverage, percent', y: 'accuracy of what is kept' },
          ),
        },
      }
    },
  }
}
