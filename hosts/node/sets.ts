import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError, type Prediction, type Value } from 'ockham'
import { thresholdScores } from '../../plugins/parts/conformal/index.js'

/** What a set holds the truth with, and the sets of n rows. */
export type Sets =
  | { readonly kind: 'classes'; readonly level: number; readonly sets: readonly (readonly number[])[] }
  /** [n, D], in the units of the prediction; of several outputs a box. */
  | { readonly kind: 'intervals'; readonly level: number; readonly low: Value; readonly high: Value }

interface Row {
  readonly score: string
  readonly level: number
  /** Null where there were too few rows for a threshold: sets are whole. */
  readonly threshold: number | null
}

const missing = (folder: string, what: string): InputError =>
  new InputError({ code: 'OCK-CONFORMAL-006', what, where: folder, remedy: 'add the evaluation conformal to the spec and run it again' })

/** The conformal threshold that a run found for a score without chance in it. */
function rowOf(folder: string, score: 'thr' | 'normalised'): Row {
  const file = join(folder, 'result.json')
  if (!existsSync(file)) throw missing(folder, 'the run has no result.json, where thresholds are')
  const { tables = {} } = JSON.parse(readFileSync(file, 'utf8')) as { tables?: Record<string, readonly Row[]> }
  const name = Object.keys(tables).find((n) => n === 'conformal' || n.endsWith('/conformal'))
  const row = name === undefined ? undefined : tables[name]!.find((r) => r.score === score)
  if (!row) throw missing(folder, `the run took no conformal threshold of the score ${score}`)
  return row
}

/**
 * Conformal sets of new rows, by the threshold that a run took on its calibration rows: classes with 1 − p at most the threshold, or mean ± threshold
 * standard deviations. They hold the truth with probability `level` where rows are drawn as those were. Throws `OCK-CONFORMAL-006`.
 */
export function setsOf(folder: string, prediction: Prediction): Sets {
  if (prediction.kind === 'categorical') {
    const { level, threshold } = rowOf(folder, 'thr')
    const { shape, data } = prediction.probabilities
    const [n, classes] = shape as [number, number]
    const scores = thresholdScores(data)
    const all = Array.from({ length: classes }, (_, c) => c)
    const of = (i: number): number[] => all.filter((c) => threshold === null || scores[i * classes + c]! <= threshold)
    return { kind: 'classes', level, sets: Array.from({ length: n }, (_, i) => of(i)) }
  }
  const { level, threshold } = rowOf(folder, 'normalised')
  const { mean, variance } = prediction
  const moved = (sign: number): Value => ({
    ...mean,
    data: Float32Array.from(mean.data, (m: number, i) => m + sign * (threshold ?? Infinity) * Math.sqrt(variance.data[i]!)),
  })
  return { kind: 'intervals', level, low: moved(-1), high: moved(1) }
}
