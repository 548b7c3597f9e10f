import type { Evaluation, Json, Posterior, Problem, Report } from 'ockham'
import { z } from 'zod'
import {
  auroc,
  brierScores,
  correctness,
  decisions,
  expectedCalibrationError,
  mean,
  nll,
  reliability,
} from '../../parts/evaluation/index.js'
import { reliabilityDiagram } from '../../parts/figures/index.js'
import { matrix } from '../../parts/linalg/index.js'
import { bestCut, composite } from './composite.js'
import { isCrossFitted, type Held } from './cross-fitted.js'
import { fitsOf, learntFrom, rawRows, spreadOf, type Learnt } from './metric.js'
import { correlationMap, scatter } from './pictures.js'

export const descriptorsOptions = z.strictObject({
  minRelevance: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe('pairs are read where both features have this share of the largest relevance; C of irrelevant features is noise'),
  most: z.int().positive().default(12).describe('pairs that are read, strongest first'),
  positive: z.int().min(0).default(1).describe('class that cuts and areas are for, by its place in label order'),
})

type Options = z.output<typeof descriptorsOptions>
type Row = Readonly<Record<string, Json>>

const number = (x: number): Json => (Number.isFinite(x) ? x : null)

interface Scores {
  readonly accuracy: Float64Array
  readonly balanced: Float64Array
  readonly nll: Float64Array
  readonly brier: Float64Array
  readonly auroc: Float64Array
}

/** Scores of each shuffle's held-out folds, one number a fit. */
function heldScores({ folds, predicted, labels }: Held, positive: number): Scores {
  const [seeds, n] = folds.shape as [number, number]
  const c = predicted.shape[2]!
  const count = 1 + Array.from(folds.data).reduce((a, b) => Math.max(a, b), 0)
  const out: Record<keyof Scores, number[]> = { accuracy: [], balanced: [], nll: [], brier: [], auroc: [] }
  for (let s = 0; s < seeds; s++)
    for (let f = 0; f < count; f++) {
      const rows = Array.from({ length: n }, (_, i) => i).filter((i) => folds.data[s * n + i] === f)
      const p = Float64Array.from(rows.flatMap((i) => Array.from(predicted.data.subarray((s * n + i) * c, (s * n + i + 1) * c))))
      const y = Int32Array.from(rows, (i) => labels.data[i]!)
      const right = correctness(decisions(p, c).predicted, y)
      out.accuracy.push(mean(right))
      const shares = [...new Set(y)].map((k) => mean(right.filter((_, i) => y[i] === k)))
      out.balanced.push(mean(shares))
      out.nll.push(nll(p, c, y))
      out.brier.push(mean(brierScores(p, c, y)))
      const score = Float64Array.from(rows, (_, i) => p[i * c + positive]!)
      out.auroc.push(
        auroc(
          score.filter((_, i) => y[i] === positive),
          score.filter((_, i) => y[i] !== positive),
        ),
      )
    }
  return Object.fromEntries(Object.entries(out).map(([name, v]) => [name, Float64Array.from(v)])) as unknown as Scores
}

const deviation = (x: Float64Array): number => spreadOf(Array.from(x, (v) => Float64Array.of(v))).spread[0]!

/** Accuracy and calibration on rows left out, averaged over fits. */
function ofHeld(held: Held, { positive }: Options): Pick<Report, 'values' | 'figures' | 'tables'> {
  const scores = heldScores(held, positive)
  const c = held.predicted.shape[2]!
  const seeds = held.folds.shape[0]!
  const { predicted, confidence } = decisions(held.predicted.data, c)
  const repeated = Int32Array.from({ length: predicted.length }, (_, i) => held.labels.data[i % (predicted.length / seeds)]!)
  const bins = reliability(confidence, correctness(predicted, repeated))
  return {
    values: {
      'test/accuracy': mean(scores.accuracy),
      'test/accuracy-spread': deviation(scores.accuracy),
      'test/balanced-accuracy': mean(scores.balanced),
      'test/nll': mean(scores.nll),
      'test/brier': mean(scores.brier),
      'test/auroc': mean(scores.auroc),
      'test/ece': expectedCalibrationError(bins),
    },
    tables: {
      reliability: bins.map((b) => ({ ...b })),
      fits: Array.from(scores.accuracy, (accuracy, k) => ({ fit: k, accuracy, nll: scores.nll[k]!, auroc: number(scores.auroc[k]!) })),
    },
    figures: { calibration: reliabilityDiagram(bins) },
  }
}

const sortedPairs = ({ correlation, relevance, features }: Learnt, { minRelevance, most }: Options): (readonly [number, number])[] => {
  const d = features.length
  const top = relevance.mean.reduce((a, b) => Math.max(a, b), 0)
  const pairs = Array.from({ length: d * d }, (_, i) => [Math.floor(i / d), i % d] as const).filter(
    ([i, j]) => i < j && Math.min(relevance.mean[i]!, relevance.mean[j]!) >= minRelevance * top,
  )
  const strength = ([i, j]: readonly [number, number]): number => Math.abs(correlation.mean[i * d + j]!)
  return pairs.sort((p, q) => strength(q) - strength(p)).slice(0, most)
}

const columnOf = (x: Float64Array, d: number, j: number): Float64Array =>
  Float64Array.from({ length: x.length / d }, (_, i) => x[i * d + j]!)

/** Pairs as ratios and products, with what each is worth alone. */
function readings(learnt: Learnt, x: Float64Array, labels: ArrayLike<number>, options: Options): Row[] {
  const d = learnt.features.length
  return sortedPairs(learnt, options).map(([i, j]) => {
    const value = learnt.correlation.mean[i * d + j]!
    const made = composite([learnt.features[i]!, learnt.features[j]!], columnOf(x, d, i), columnOf(x, d, j), value)
    const cut = bestCut(made.values, labels, options.positive)
    const agreeing = learnt.correlations.filter((c) => c[i * d + j]! * value > 0).length / learnt.fits
    return {
      descriptor: made.name,
      a: learnt.features[i]!,
      b: learnt.features[j]!,
      correlation: value,
      spread: learnt.correlation.spread[i * d + j]!,
      signAgreement: agreeing,
      cut: number(cut.at),
      side: cut.side,
      accuracyAlone: cut.accuracy,
      aurocAlone: number(cut.auroc),
    }
  })
}

const steps = 21
/** Fits that the map averages: one shuffle's worth shows what all show. */
const mapped = 5

/** Averaged probability over a grid of the two features, the others at their means. */
async function map(
  posterior: Posterior,
  problem: Problem,
  x: Float64Array,
  labels: ArrayLike<number>,
  pair: readonly [number, number],
): Promise<Json> {
  const classes = problem.dataset.meta.classes!
  const names = problem.dataset.meta.features
  const d = x.length / labels.length
  const columns = Array.from({ length: d }, (_, j) => columnOf(x, d, j))
  const range = (j: number): [number, number] => [
    columns[j]!.reduce((a, b) => Math.min(a, b)),
    columns[j]!.reduce((a, b) => Math.max(a, b)),
  ]
  const [[la, ha], [lb, hb]] = [range(pair[0]), range(pair[1])]
  const size: readonly [number, number] = [(ha - la) / (steps - 1), (hb - lb) / (steps - 1)]
  const at = Array.from({ length: steps * steps }, (_, k) => [la + size[0] * Math.floor(k / steps), lb + size[1] * (k % steps)] as const)
  const means = columns.map((c) => mean(c))
  const { mean: shift = [0], std = [1] } = problem.dataset.scaling ?? {}
  const grid = Float64Array.from({ length: at.length * d }, (_, q) => {
    const j = q % d
    const raw = j === pair[0] ? at[Math.floor(q / d)]![0] : j === pair[1] ? at[Math.floor(q / d)]![1] : means[j]!
    return (raw - shift[j % shift.length]!) / std[j % std.length]!
  })
  const some = fitsOf(posterior).slice(0, mapped)
  const total = new Float64Array(at.length)
  for (const fit of some) {
    const found = await fit.predict({ x: matrix([at.length, d], grid) })
    if (found.kind === 'categorical')
      for (let i = 0; i < at.length; i++) total[i]! += found.probabilities.data[i * classes.length + 1]! / some.length
  }
  const cells = at.map(([a, b], i) => ({ a, b, probability: total[i]! }))
  const points = Array.from(labels, (y, i) => ({ a: columns[pair[0]]![i]!, b: columns[pair[1]]![i]!, label: classes[y]! }))
  return scatter([names?.[pair[0]] ?? `x${pair[0]}`, names?.[pair[1]] ?? `x${pair[1]}`], points, cells, size, classes)
}

const majority = (labels: ArrayLike<number>): number => {
  const counts = new Map<number, number>()
  for (const y of Array.from(labels)) counts.set(y, (counts.get(y) ?? 0) + 1)
  return Math.max(...counts.values()) / labels.length
}

/**
 * Reads the learnt metric: C with its spread over fits, relevance of each feature, ratios and products with what each is worth alone beside
 * the majority class and the best single feature; where the fits are cross-fitted, their scores on rows left out.
 * Throws `OCK-MEAI-003` where the model has no metric.
 */
export const descriptors = (options: Options): Evaluation => ({
  async evaluate(posterior, problem) {
    const learnt = learntFrom(posterior, problem)
    const { x, y } = await rawRows(problem)
    const d = learnt.features.length
    const pairs = Array.from({ length: d * d }, (_, k) => k).filter((k) => Math.floor(k / d) !== k % d)
    const classes = problem.dataset.meta.classes
    const held = isCrossFitted(posterior) && classes ? ofHeld(posterior.held, options) : undefined
    const rows = classes ? readings(learnt, x.data as Float64Array, y.data, options) : []
    const alone = classes ? learnt.features.map((_, j) => bestCut(columnOf(x.data as Float64Array, d, j), y.data, options.positive)) : []
    const best = alone.reduce<number>((most, c) => Math.max(most, c.accuracy), 0)
    const first = sortedPairs(learnt, options)[0]
    return {
      values: {
        ...held?.values,
        ...(classes ? { 'train/majority': majority(y.data), 'train/best-feature-alone': best } : {}),
        ...(posterior.evidence === undefined ? {} : { 'train/evidence': posterior.evidence / problem.examples }),
        'train/leading-share': learnt.share,
      },
      tables: {
        ...held?.tables,
        correlation: pairs.map((k) => ({
          a: learnt.features[Math.floor(k / d)]!,
          b: learnt.features[k % d]!,
          value: learnt.correlation.mean[k]!,
          spread: learnt.correlation.spread[k]!,
        })),
        relevance: learnt.features.map((feature, j) => ({
          feature,
          relevance: learnt.relevance.mean[j]!,
          spread: learnt.relevance.spread[j]!,
          direction: learnt.direction[j]!,
          ...(alone[j] ? { accuracyAlone: alone[j].accuracy, aurocAlone: number(alone[j].auroc) } : {}),
        })),
        descriptors: rows,
      },
      figures: {
        ...held?.figures,
        correlation: correlationMap(learnt.features, learnt.correlation.mean),
        ...(first && classes?.length === 2 ? { descriptor: await map(posterior, problem, x.data as Float64Array, y.data, first) } : {}),
      },
    }
  },
})
