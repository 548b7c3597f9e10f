/*
 * Split conformal prediction. Vovk, Gammerman, Shafer, Algorithmic learning in a random world, 2005; Lei et al. 2018.
 */
import { hostKey, InputError, type Dataset, type Evaluation, type Json, type Report } from 'ockham'
import { z } from 'zod'
import { conformalThreshold } from '../bounds/index.js'
import { checkSplits, labelled, mean, predictionsOf, type Predictions } from '../evaluation/index.js'
import { coverageFigure } from './coverage-figure.js'
import { coverageBand, expectedCoverage } from './band.js'
import { classScores, type ClassScore } from './classes.js'
import { checkFitted, checkNames, checkRows } from './disjoint.js'
import { numberScores, type NumberScore } from './numbers.js'
import { scoredClasses, scoredNumbers, type Scored } from './scored.js'

const share = z.number().gt(0).lt(1)

export const conformalOptions = z.strictObject({
  split: z.string().min(1).default('test').describe('the split that is evaluated'),
  calibration: z.string().min(1).default('validation').describe('labelled rows that give the threshold; neither trained on nor evaluated'),
  alpha: share.default(0.1).describe('sets miss the label with at most this probability'),
  score: z
    .enum([...classScores, ...numberScores])
    .optional()
    .describe('of classes aps unless given, of numbers normalised'),
  randomise: z.boolean().default(true).describe('aps, raps: the last class enters by chance, so that coverage is exact'),
  penalty: z.number().min(0).default(0.1).describe('raps: on a class, for each rank beyond `rank`'),
  rank: z.int().min(0).default(1).describe('raps: ranks without penalty'),
  confidence: share.default(0.99).describe('of the band in which coverage lies by chance'),
  redraws: z.int().min(0).default(100).describe('self-test: how often all rows are divided anew into calibration and test'),
})

export type ConformalOptions = z.output<typeof conformalOptions>

const mismatch = (score: string, kind: string): InputError =>
  new InputError({
    code: 'OCK-CONFORMAL-003',
    what: `the score ${score} is not one of ${kind}`,
    where: 'score',
    remedy: `choose among ${(kind === 'classes' ? classScores : numberScores).join(', ')}`,
  })

/** What is measured of a score at a level: coverage, and how large sets are. */
interface Row {
  readonly score: string
  readonly threshold: number
  readonly coverage: number
  readonly size: number
  readonly empty: number
}

function rowOf(held: Scored, fresh: Scored, alpha: number): Row {
  const threshold = conformalThreshold(held.own, alpha)
  const sizes = fresh.sizes(threshold)
  return {
    score: fresh.name,
    threshold,
    coverage: mean(fresh.own.map((s) => (s <= threshold ? 1 : 0))),
    size: mean(sizes),
    empty: mean(sizes.map((s) => (s > 0 ? 0 : 1))),
  }
}

/** Null stands for what is infinite, which JSON cannot say. */
const finite = (x: number): number | null => (Number.isFinite(x) ? x : null)

/** Coverage under random divisions of all scores into as many for calibration, and the rest. */
export function redrawn(scores: Float64Array, calibration: number, alpha: number, times: number): Float64Array {
  const key = hostKey(0).fold('redraws')
  return Float64Array.from({ length: times }, (_, t) => {
    const order = key.fold(t).permutation(scores.length).data
    const at = (from: number, to?: number): Float64Array => Float64Array.from(order.subarray(from, to), (i) => scores[i]!)
    const threshold = conformalThreshold(at(0, calibration), alpha)
    return mean(at(calibration).map((s) => (s <= threshold ? 1 : 0)))
  })
}

const joined = (a: Float64Array, b: Float64Array): Float64Array => Float64Array.from([...a, ...b])

const levels = Array.from({ length: 19 }, (_, i) => 0.05 * (i + 1))

/**
 * Coverage and size of sets { score ≤ threshold }, or intervals, whose threshold is the ⌈(n + 1)(1 − alpha)⌉-th smallest score of n calibration rows, beside
 * the exact band of coverage for exchangeable rows. Throws `OCK-EVAL-001` … `-004`, `OCK-CONFORMAL-001`, `-003`.
 */
export const conformal = (options: ConformalOptions, { dataset }: { readonly dataset: Dataset }): Evaluation => {
  const { split, calibration, alpha, confidence, redraws } = options
  checkNames(calibration, split)
  checkSplits(dataset, [split], 'split')
  checkSplits(dataset, [calibration], 'calibration')
  return {
    async evaluate(posterior, problem, run): Promise<Report> {
      checkFitted(posterior.save().meta, calibration)
      await checkRows(problem.dataset, calibration, split, run)
      const [held, fresh] = [await of(calibration), await of(split)]
      const chosen = held.findIndex(({ name }) => name === wanted(options, held))
      const [n, m] = [held[0]!.own.length, fresh[0]!.own.length]
      const band = coverageBand(n, m, alpha, confidence)
      const rows = held.map((one, i) => rowOf(one, fresh[i]!, alpha))
      const { coverage, size, empty, score } = rows[chosen]!
      if (coverage < band.low)
        run.emit({
          type: 'warning',
          code: 'OCK-CONFORMAL-004',
          message: `${score} covers ${coverage.toFixed(4)} of ${split}, below ${band.low.toFixed(4)}: ${calibration} and ${split} are not drawn alike`,
        })
      const again = redraws > 0 ? redrawn(joined(held[chosen]!.own, fresh[chosen]!.own), n, alpha, redraws) : undefined
      const measure = held[0]!.measure
      const curves = held.map((one, i) => ({
        name: one.name,
        points: levels.map((level) => [level, rowOf(one, fresh[i]!, 1 - level).coverage] as const),
      }))
      const named = (values: Record<string, number>): Record<string, number> =>
        Object.fromEntries(
          Object.entries(values)
            .filter(([, v]) => Number.isFinite(v))
            .map(([name, v]) => [`${split}/${name}`, v]),
        )
      const table: Record<string, Json>[] = rows.map((row) => ({
        score: row.score,
        level: 1 - alpha,
        threshold: finite(row.threshold),
        coverage: row.coverage,
        low: band.low,
        high: band.high,
        [measure]: finite(row.size),
        ...(measure === 'set-size' && { empty: row.empty }),
      }))
      return {
        values: named({
          coverage,
          'coverage-low': band.low,
          'coverage-high': band.high,
          'coverage-expected': expectedCoverage(n, alpha),
          [measure]: size,
          ...(measure === 'set-size' && { 'empty-sets': empty }),
          ...(again && {
            'redrawn-coverage': mean(again),
            'redrawn-inside': mean(again.map((c) => (c >= band.low && c <= band.high ? 1 : 0))),
          }),
        }),
        tables: { [`${split}/conformal`]: table },
        figures: {
          [`${split}/coverage`]: coverageFigure(
            curves,
            levels.map((level) => ({ level, ...coverageBand(n, m, 1 - level, confidence) })),
          ),
        },
      }

      async function of(name: string): Promise<Scored[]> {
        return scores(await predictionsOf(posterior, problem.dataset, name), name, options)
      }
    },
  }
}

function wanted({ score }: ConformalOptions, held: readonly Scored[]): string {
  const kind = held[0]!.measure === 'set-size' ? 'classes' : 'numbers'
  if (score && !held.some(({ name }) => name === score)) throw mismatch(score, kind)
  return score ?? (kind === 'classes' ? ('aps' satisfies ClassScore) : ('normalised' satisfies NumberScore))
}

/** All scores that a kind of prediction has; the random numbers of a split are its own. */
function scores(found: Predictions, split: string, options: ConformalOptions): Scored[] {
  if (found.kind === 'normal') return scoredNumbers(found, split, options.alpha)
  const u = options.randomise ? hostKey(0).fold('conformal').fold(split).uniform([found.rows]).data : new Float32Array(found.rows)
  return scoredClasses(labelled(found, split), u, options)
}
