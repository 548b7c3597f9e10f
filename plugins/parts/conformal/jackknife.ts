/*
 * Barber, Candès, Ramdas, Tibshirani, "Predictive inference with the jackknife+", Annals of Statistics 2021, arXiv 1905.02928: the jackknife+ where every example is
 * left out by itself, CV+ with folds.
 */
import {
  hostKey,
  InputError,
  RunError,
  slot,
  type Dataset,
  type Evaluation,
  type Problem,
  type Report,
  type Resolved,
  type Run,
} from 'ockham'
import { z } from 'zod'
import { viewOf } from '../datasets/index.js'
import { checkSplits, mean, predictionsOf, type Normal, type Predicts } from '../evaluation/index.js'
import { jackknifePlus, residuals, type Interval } from './numbers.js'

export const jackknifeOptions = z.strictObject({
  of: slot('inference').describe('what is learnt anew without each fold'),
  folds: z.int().min(2).default(10).describe('folds of the training rows; one a row, or more than there are rows, is the jackknife+'),
  alpha: z.number().gt(0).lt(0.5).default(0.1).describe('intervals miss with about this probability, and with twice this at most'),
  split: z.string().min(1).default('test').describe('split to evaluate'),
})

export type JackknifeOptions = Resolved<z.output<typeof jackknifeOptions>>

/** Numbers of a split, one an example. Throws `OCK-CONFORMAL-003` for classes, `-005` for several outputs, `OCK-EVAL-004` without targets. */
async function numbersOf(posterior: Predicts, dataset: Dataset, split: string): Promise<Normal & { readonly targets: Float64Array }> {
  const found = await predictionsOf(posterior, dataset, split)
  if (found.kind !== 'normal')
    throw new InputError({
      code: 'OCK-CONFORMAL-003',
      what: 'the jackknife+ gives intervals of numbers, and the predictions are classes',
      where: 'evaluations',
      remedy: 'use the evaluation conformal, whose scores thr, aps and raps are of classes',
    })
  if (found.outputs > 1)
    throw new InputError({
      code: 'OCK-CONFORMAL-005',
      what: `the jackknife+ is of one number an example, and there are ${found.outputs}`,
      where: 'evaluations',
      remedy: 'use the evaluation conformal, whose scores take a box around all outputs',
    })
  const { targets } = found
  if (targets) return { ...found, targets }
  throw new RunError({
    code: 'OCK-EVAL-004',
    what: 'there are no labels to compare predictions with',
    where: split,
    remedy: 'choose a labelled split',
  })
}

/** Fold of each of n rows, as even as can be, at random. */
export function foldsOf(n: number, folds: number): Int32Array {
  const order = hostKey(0).fold('jackknife').permutation(n).data
  const out = new Int32Array(n)
  order.forEach((row: number, i: number) => (out[row] = i % folds))
  return out
}

/** Coverage that holds for any data and any learner: theorem 1, and theorem 4 for folds. */
export function leastCoverage(n: number, folds: number, alpha: number): number {
  const size = n / folds
  const excess = folds >= n ? 0 : Math.min((2 * (1 - 1 / folds)) / (size + 1), (1 - folds / n) / (folds + 1))
  return Math.max(0, 1 - 2 * alpha - excess)
}

const rowsWhere = (folds: Int32Array, wanted: (fold: number) => boolean): Int32Array =>
  Int32Array.from(Array.from(folds, (fold, row) => (wanted(fold) ? row : -1)).filter((row) => row >= 0))

/** Models without each fold: residuals of what each left out [n], in the rows' order, and predictions of the split by each [folds][m]. */
async function leftOut(problem: Problem, run: Run, folds: Int32Array, { of, split }: JackknifeOptions) {
  const { initial: _, ...rest } = problem
  const left = new Float64Array(folds.length)
  const predicted: Float64Array[] = []
  for (let k = 0; k <= folds.reduce((a, b) => Math.max(a, b), 0); k++) {
    const [kept, out] = [rowsWhere(folds, (fold) => fold !== k), rowsWhere(folds, (fold) => fold === k)]
    const dataset = viewOf(problem.dataset, kept)
    const fit = await run.infer(`without fold ${k}`, of, { ...rest, dataset, examples: kept.length })
    const own = await numbersOf(fit, viewOf(problem.dataset, out), 'train')
    residuals(own.mean, own.targets).forEach((r, i) => (left[out[i]!] = r))
    predicted.push((await numbersOf(fit, problem.dataset, split)).mean)
  }
  return { left, predicted }
}

/**
 * Intervals from models that each left a fold of the training rows out: no row is held back for calibration, and K models are learnt. Coverage and mean width,
 * in the target's units, beside the coverage that is sure.
 */
export const jackknife = (options: JackknifeOptions, { dataset: given }: { readonly dataset: Dataset }): Evaluation => {
  const { split, alpha } = options
  checkSplits(given, [split, 'train'], 'split')
  return {
    async evaluate(posterior, problem, run): Promise<Report> {
      const n = problem.dataset.meta.splits['train']!
      const count = Math.min(options.folds, n)
      const { targets } = await numbersOf(posterior, problem.dataset, split)
      const folds = foldsOf(n, count)
      const { left, predicted } = await leftOut(problem, run, folds, options)
      const intervals = Array.from(targets, (_, j): Interval =>
        jackknifePlus(
          Float64Array.from(folds, (k) => predicted[k]![j]!),
          left,
          alpha,
        ),
      )
      const width = mean(intervals.map(({ low, high }) => high - low))
      return {
        values: {
          [`${split}/jackknife-coverage`]: mean(intervals.map(({ low, high }, j) => (targets[j]! >= low && targets[j]! <= high ? 1 : 0))),
          [`${split}/jackknife-expected`]: 1 - alpha,
          [`${split}/jackknife-least`]: leastCoverage(n, count, alpha),
          // Fewer rows than the rank asks for leave intervals without an end.
          ...(Number.isFinite(width) && { [`${split}/jackknife-width`]: width }),
        },
      }
    },
  }
}
