import { slot, type Dataset, type Evaluation, type Json } from 'ockham'
import { z } from 'zod'
import {
  brierScores,
  checkSplits,
  correctness,
  decisions,
  expectedCalibrationError,
  labelled,
  mean,
  nll,
  predictionsOf,
  reliability,
  selectiveArea,
  selectiveCurve,
  uncertainty,
} from '../evaluation/index.js'
import { limited } from '../datasets/index.js'
import { lines } from '../figures/index.js'
import { corrupted, imagesOf, unscaled } from './corrupted.js'
import { coloured, corruptions, usual, type Corruption } from './families.js'

export const corruptionOptions = z.strictObject({
  of: slot('dataset').optional().describe('images that are corrupted; those of the run unless given'),
  split: z.string().min(1).default('test').describe('the split that is corrupted'),
  corruptions: z.array(z.enum(corruptions)).min(1).default(usual).describe('what is done to the images, each by itself'),
  severities: z.array(z.number().int().min(1).max(5)).min(1).default([1, 3, 5]).describe('from 1, mild, to 5'),
  size: z.number().int().positive().optional().describe('images that are used, class-balanced; all unless given'),
  bins: z.number().int().min(1).max(1000).default(15).describe('bins of the calibration error'),
  seed: z.number().int().nonnegative().default(0).describe('what the random parts of corruptions follow from'),
})

type Options = Omit<z.output<typeof corruptionOptions>, 'of'> & { readonly of?: Dataset | undefined }

type Scores = Readonly<Record<'accuracy' | 'nll' | 'brier' | 'ece' | 'selective', number>>

const names = ['accuracy', 'nll', 'brier', 'ece', 'selective'] as const

async function scoresOf(posterior: Parameters<typeof predictionsOf>[0], dataset: Dataset, split: string, bins: number): Promise<Scores> {
  const found = labelled(await predictionsOf(posterior, dataset, split), split)
  const { probabilities, classes, labels } = found
  const { predicted, confidence } = decisions(probabilities, classes)
  const correct = correctness(predicted, labels)
  return {
    accuracy: mean(correct),
    nll: nll(probabilities, classes, labels),
    brier: mean(brierScores(probabilities, classes, labels)),
    ece: expectedCalibrationError(reliability(confidence, correct, bins)),
    selective: selectiveArea(selectiveCurve(uncertainty(found, 'entropy'), correct)),
  }
}

interface Row extends Scores {
  readonly corruption: Corruption
  readonly severity: number
}

const means = (rows: readonly Row[]): Scores =>
  Object.fromEntries(names.map((name) => [name, mean(rows.map((row) => row[name]))])) as Scores

/**
 * How predictions hold where images are corrupted: accuracy, negative log-likelihood, Brier score, calibration error and area under the
 * selective curve, as means over corruptions and severities (`test-c/accuracy`), and at each severity (`test-c/accuracy@3`).
 * Throws `OCK-EVAL-001` … `-005`, `OCK-CORRUPT-001` … `-003`.
 */
export const corruption = (options: Options, { dataset: own }: { dataset: Dataset }): Evaluation => {
  const { split, severities, bins, size, seed } = options
  const check = (dataset: Dataset): readonly Corruption[] => {
    checkSplits(dataset, [split], 'split')
    const [, , channels] = imagesOf(dataset)
    unscaled(dataset)
    return channels === 1 ? options.corruptions.filter((name) => !coloured.has(name)) : options.corruptions
  }
  check(options.of ?? own)
  return {
    async evaluate(posterior, problem, run) {
      const given = options.of ?? problem.dataset
      const wanted = check(given)
      const dataset = size === undefined ? given : limited(given, size)
      const rows: Row[] = []
      for (const name of wanted) {
        // A stage a corruption: an evaluation that is stopped goes on from there.
        const { scores } = await run.stage(name, async () => {
          const found: number[] = []
          for (const severity of severities) {
            const made = corrupted({ of: dataset, corruption: name, severity, splits: [split], seed })
            const each = await scoresOf(posterior, made, split, bins)
            found.push(...names.map((of) => each[of]))
          }
          return { scores: { shape: [severities.length, names.length], dtype: 'float64' as const, data: Float64Array.from(found) } }
        })
        severities.forEach((severity, i) => {
          const each = Object.fromEntries(names.map((of, j) => [of, scores.data[i * names.length + j]!])) as Scores
          rows.push({ corruption: name, severity, ...each })
        })
      }
      const at = (severity: number): Scores => means(rows.filter((row) => row.severity === severity))
      const entries = (scores: Scores, suffix: string): [string, number][] =>
        names.map((name) => [`${split}-c/${name}${suffix}`, scores[name]])
      const table: readonly Readonly<Record<string, Json>>[] = rows.map((row) => ({ ...row }))
      const curves = wanted.map((name) => ({
        name,
        points: rows.flatMap((row) => (row.corruption === name ? [[row.severity, row.accuracy] as const] : [])),
      }))
      const all = { name: 'mean', points: severities.map((severity) => [severity, at(severity).accuracy] as const) }
      return {
        values: Object.fromEntries([
          ...entries(means(rows), ''),
          ...severities.flatMap((severity) => entries(at(severity), `@${severity}`)),
        ]),
        tables: { [`${split}-c/corruptions`]: table },
        figures: { [`${split}-c/accuracy`]: lines([all, ...curves], { x: 'severity', y: 'accuracy' }) },
      }
    },
  }
}
