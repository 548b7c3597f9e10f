import type { Dataset, Evaluation, Json, Report } from 'ockham'
import { z } from 'zod'
import { heatMap, lines, reliabilityDiagram, type Cell, type ReliabilityBin } from '../figures/index.js'
import { correctness, decisions, mean } from './accuracy.js'
import { labelled } from './categorical.js'
import { adaptiveCalibrationError, expectedCalibrationError, maximumCalibrationError, reliability, rmsCalibrationError } from './ece.js'
import { fitOf } from './fit.js'
import { atPoint } from './point.js'
import { checkSplits, predictionsOf, type Categorical, type Normal, type Predictions } from './predictions.js'
import { brierScores, mixtureNll } from './scores.js'
import { deviations } from './uncertainty.js'

export const calibrationOptions = z.strictObject({
  splits: z.array(z.string()).min(1).default(['test']).describe('splits to evaluate'),
  bins: z.number().int().min(1).max(1000).default(15).describe('bins of equal width, by confidence'),
  edges: z
    .enum(['right', 'left'])
    .default('right')
    .describe("the edge a bin holds; 'left' with 10 bins is the older convention, by which a confidence of exactly 1 is in no bin"),
  before: z
    .boolean()
    .default(false)
    .describe('also of the trained weights alone, before their uncertainty was taken or their logits scaled'),
})

type Options = z.output<typeof calibrationOptions>

interface Part {
  readonly values: Record<string, number>
  readonly tables?: Record<string, readonly Readonly<Record<string, Json>>[]>
  readonly figures?: Record<string, Json>
}

/** How often each class was taken for each; only pairs that occur. */
export function confusion(labels: ArrayLike<number>, predicted: ArrayLike<number>, names: readonly string[]): Cell[] {
  const counts = new Float64Array(names.length * names.length)
  for (let i = 0; i < labels.length; i++) counts[labels[i]! * names.length + predicted[i]!]!++
  const cell = (count: number, at: number): Cell => ({
    row: names[Math.floor(at / names.length)]!,
    column: names[at % names.length]!,
    count,
  })
  return Array.from(counts, cell).filter((c) => c.count > 0)
}

function ofClasses(
  { probabilities, classes, labels }: Categorical & { labels: Int32Array },
  names: readonly string[],
  { bins, edges }: Options,
): Part {
  const { predicted, confidence } = decisions(probabilities, classes)
  const correct = correctness(predicted, labels)
  const table = reliability(confidence, correct, bins, edges)
  const pairs = confusion(labels, predicted, names)
  return {
    values: {
      brier: mean(brierScores(probabilities, classes, labels)),
      ece: expectedCalibrationError(table),
      mce: maximumCalibrationError(table),
      rmsce: rmsCalibrationError(table),
      'adaptive-ece': adaptiveCalibrationError(confidence, correct, bins),
    },
    tables: {
      reliability: table.map((b) => ({ ...b })),
      confusion: pairs.map(({ row, column, count }) => ({ label: row, predicted: column, count })),
    },
    figures: { reliability: reliabilityDiagram(table), confusion: heatMap(pairs, names, { row: 'label', column: 'predicted' }) },
  }
}

/** The classes' names where the data give as many as the model has outputs; else their numbers. */
const namesOf = ({ meta }: Dataset, classes: number): readonly string[] =>
  meta.classes?.length === classes ? meta.classes : Array.from({ length: classes }, (_, c) => String(c))

const under = <T>(split: string, of: Readonly<Record<string, T>> = {}): Record<string, T> =>
  Object.fromEntries(Object.entries(of).map(([name, v]) => [`${split}/${name}`, v]))

/**
 * Accuracy, negative log-likelihood (nats), Brier score and expected calibration error of class probabilities, with reliability and
 * confusion; root mean squared error and negative log-likelihood, in the target's units, of normal predictions, that of the mixture where they are one,
 * and the aleatoric and epistemic parts of their deviation.
 * Throws `OCK-EVAL-001` … `-004`.
 */
export const calibration = (options: Options, { dataset }: { dataset: Dataset }): Evaluation => {
  checkSplits(dataset, options.splits, 'splits')
  return {
    async evaluate(posterior, problem, run) {
      const before = options.before ? atPoint(posterior, problem, run.engine) : undefined
      const report: Required<Report> = { values: {}, tables: {}, figures: {} }
      for (const split of options.splits) {
        const found = await predictionsOf(posterior, problem.dataset, split)
        const part = partOf(found, split, problem.dataset, options)
        Object.assign(report.values, under(split, part.values))
        Object.assign(report.tables, under(split, part.tables))
        Object.assign(report.figures, under(split, part.figures))
        if (before) add(report, split, compared(found, await predictionsOf(before, problem.dataset, split), split, options))
      }
      return report
    },
  }
}

/** Calibration of the weights alone beside that of the posterior. */
function compared(after: Predictions, before: Predictions, split: string, { bins, edges }: Options): Part {
  const { nll } = fitOf(before, split)
  if (after.kind === 'normal' || before.kind === 'normal') return { values: { 'nll-before': nll } }
  const table = (p: Categorical): ReliabilityBin[] => {
    const { probabilities, classes, labels } = labelled(p, split)
    const { predicted, confidence } = decisions(probabilities, classes)
    return reliability(confidence, correctness(predicted, labels), bins, edges)
  }
  const [old, now] = [table(before), table(after)]
  const curve = (name: string, of: readonly ReliabilityBin[]) => ({
    name,
    points: of.filter((b) => b.count > 0).map((b) => [b.confidence!, b.accuracy!] as const),
  })
  const perfect = { name: 'calibrated', points: [[0, 0] as const, [1, 1] as const] }
  return {
    values: { 'nll-before': nll, 'ece-before': expectedCalibrationError(old) },
    figures: {
      'reliability before and after': lines([curve('before', old), curve('after', now), perfect], { x: 'confidence', y: 'accuracy' }),
    },
  }
}

function add(report: Required<Report>, split: string, { values, figures }: Part): void {
  Object.assign(report.values, under(split, values))
  Object.assign(report.figures, under(split, figures))
}

/** What a mixture's score and the parts of the variance add for numbers. */
function ofNumbers(found: Normal): Record<string, number> {
  const { members, targets, outputs } = found
  return {
    ...(members && targets && { 'mixture-nll': mixtureNll(members.mean, members.variance, targets, outputs) }),
    ...deviations(found),
  }
}

function partOf(found: Predictions, split: string, dataset: Dataset, options: Options): Part {
  const fit = fitOf(found, split)
  if (found.kind === 'normal') return { values: { ...fit, ...ofNumbers(found) } }
  const part = ofClasses(labelled(found, split), namesOf(dataset, found.classes), options)
  return { ...part, values: { ...fit, ...part.values } }
}
