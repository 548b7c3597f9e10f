import {
  hostKey,
  InputError,
  inputsOf,
  type Dataset,
  type Inference,
  type Json,
  type Posterior,
  type Prediction,
  type Problem,
  type Resolved,
  type Run,
  type Saved,
  type Value,
  type Values,
} from 'ockham'
import { slot } from 'ockham'
import { z } from 'zod'
import { matrix } from '../../parts/linalg/index.js'
import { stratified, units } from './folds.js'

export const crossFittedOptions = z.strictObject({
  of: slot('inference').describe('what is fitted on each training fold'),
  folds: z.int().min(2).default(5).describe('parts the rows are dealt into, stratified by class'),
  seeds: z.int().positive().default(12).describe('shuffles; folds times seeds fits in all'),
  groups: z.boolean().default(false).describe("keep the rows of one of the dataset's groups in one fold"),
})

type Options = Resolved<z.output<typeof crossFittedOptions>>

/** The fits, and what each said of the rows it had not seen. */
export interface CrossFitted extends Posterior {
  readonly fits: readonly Posterior[]
  readonly held: Held
}

export interface Held {
  /** Fold of every row under every shuffle, int32 [seeds, n]. */
  readonly folds: Value
  /** Class probabilities, or means, of rows left out, [seeds, n, outputs]. */
  readonly predicted: Value
  readonly labels: Value
}

export const isCrossFitted = (posterior: Posterior): posterior is CrossFitted => 'held' in posterior && 'fits' in posterior

const int32 = (data: Int32Array, shape: readonly number[] = [data.length]): Value => ({ shape, dtype: 'int32', data })

/** Some rows of the split `train` as a dataset of its own: `train` what is given, `test` what is left out. */
function part(dataset: Dataset, train: Int32Array, test: Int32Array): Dataset {
  const { counts: _, ...meta } = dataset.meta
  const rows: Readonly<Record<string, Int32Array>> = { train, test }
  return {
    ...dataset,
    meta: { ...meta, splits: { train: train.length, test: test.length } },
    read: (split, at, key) => dataset.read('train', int32(Int32Array.from(at.data, (i) => rows[split]![i]!)), key),
  }
}

/** A run whose steps are not told: there are sixty fits, and one bar for all. */
const quiet = (run: Run): Run => ({
  key: run.key,
  engine: run.engine,
  signal: run.signal,
  emit: (event) => (event.type === 'step' ? undefined : run.emit(event)),
  fold: (name, fold) => run.fold(name, { ...fold, report: [] }),
  stage: (name, work) => run.stage(name, (inside) => work(quiet(inside))),
  infer: (name, inference, problem) => run.infer(name, quietly(inference), problem),
})

const quietly = (inference: Inference): Inference => ({
  infer: (problem, run) => inference.infer(problem, quiet(run)),
  restore: (saved, problem) => inference.restore(saved, problem),
})

const table = (p: Prediction): Value => (p.kind === 'categorical' ? p.probabilities : p.mean)

/** The mixture of the fits' predictions, each as likely as the others. */
function mixture(predictions: readonly Prediction[]): Prediction {
  const [first] = predictions
  const count = predictions.length
  const average = (of: (p: Prediction, i: number) => number, like: Value): Value =>
    matrix(
      like.shape,
      Float64Array.from({ length: like.data.length }, (_, i) => predictions.reduce((sum, p) => sum + of(p, i) / count, 0)),
    )
  const members = (shape: readonly number[]): Value => {
    const data = new Float64Array(count * table(first!).data.length)
    predictions.forEach((p, k) => data.set(table(p).data, k * table(p).data.length))
    return matrix([count, ...shape], data)
  }
  const mean = average((p, i) => table(p).data[i]!, table(first!))
  if (first!.kind === 'categorical') return { kind: 'categorical', probabilities: mean, members: members(mean.shape) }
  const square = (p: Prediction, i: number): number =>
    p.kind === 'normal' ? p.variance.data[i]! + (p.mean.data[i]! - mean.data[i]!) ** 2 : NaN
  return { kind: 'normal', mean, variance: average(square, mean), members: members(mean.shape) }
}

function posteriorOf(fits: readonly Posterior[], held: Held): CrossFitted {
  const saved = (): Saved => {
    const all = fits.map((fit) => fit.save())
    return {
      kind: 'cross-fitted',
      values: {
        folds: held.folds,
        predicted: held.predicted,
        labels: held.labels,
        ...Object.fromEntries(all.flatMap(({ values }, k) => Object.entries(values).map(([name, v]) => [`fit.${k}.${name}`, v]))),
      },
      meta: { fits: all.map(({ kind, meta }) => ({ kind, meta })) },
    }
  }
  return {
    fits,
    held,
    predict: async (x, options) => {
      const predictions: Prediction[] = []
      for (const [k, fit] of fits.entries())
        predictions.push(await fit.predict(x, { ...options, key: (options?.key ?? hostKey(0)).fold(`fit ${k}`) }))
      return mixture(predictions)
    },
    save: saved,
  }
}

const indices = (n: number, keep: (i: number) => boolean): Int32Array => Int32Array.from({ length: n }, (_, i) => i).filter(keep)

/** Share of rows whose largest entry is at their label. */
const hits = (predicted: Value, labels: ArrayLike<number>): number => {
  const [n, c] = predicted.shape as [number, number]
  let right = 0
  for (let i = 0; i < n; i++) {
    const row = Array.from(predicted.data.subarray(i * c, (i + 1) * c))
    if (row.indexOf(Math.max(...row)) === labels[i]) right++
  }
  return right / n
}

/** Reads all training rows and refuses what cannot be dealt. */
async function everything({ dataset, examples }: Problem, { folds, groups }: Options): Promise<{ fields: Values; labels: Int32Array }> {
  const fields = await dataset.read('train', int32(indices(examples, () => true)))
  if (groups && !fields['group'])
    throw new InputError({
      code: 'OCK-MEAI-001',
      what: 'the dataset has no groups to keep together',
      where: 'inference.groups',
      remedy: 'name their column in the option group of the dataset',
    })
  const labels = dataset.meta.classes ? Int32Array.from(fields['y']!.data) : new Int32Array(examples)
  const problems = [...new Set(labels)].flatMap((c) => {
    const count = labels.filter((l) => l === c).length
    const of = dataset.meta.classes ? ` of class '${dataset.meta.classes[c]}'` : ''
    return count >= folds
      ? []
      : [{ code: 'OCK-MEAI-002', what: `${count} rows${of}, and ${folds} folds`, where: 'inference.folds', remedy: 'take fewer folds' }]
  })
  if (problems.length > 0) throw new InputError(problems)
  return { fields, labels }
}

/**
 * Cross-validation as an inference: every fit is a durable stage, so that a run that was stopped goes on with the next fit. Rows with
 * the same features stay in one fold. The posterior is the mixture of all fits. Throws `OCK-MEAI-001`, `-002`.
 */
export const crossFitted = (options: Options): Inference => ({
  async infer(problem, run) {
    const { folds, seeds } = options
    const { fields, labels } = await everything(problem, options)
    const n = problem.examples
    const together = units(fields['x']!, options.groups ? fields['group']!.data : undefined)
    const assigned = new Int32Array(seeds * n)
    const fits: Posterior[] = []
    let predicted: Float64Array | undefined
    let outputs = 1
    let accuracy = 0
    for (let s = 0; s < seeds; s++) {
      const fold = stratified(together, labels, folds, run.key.fold('folds').fold(s))
      assigned.set(fold, s * n)
      for (let f = 0; f < folds; f++) {
        const test = indices(n, (i) => fold[i] === f)
        const inside: Problem = {
          ...problem,
          dataset: part(
            problem.dataset,
            indices(n, (i) => fold[i] !== f),
            test,
          ),
          examples: n - test.length,
        }
        const fit = await run.infer(`seed ${s}, fold ${f}`, quietly(options.of), inside)
        fits.push(fit)
        const found = table(await fit.predict(inputsOf(await inside.dataset.read('test', int32(indices(test.length, () => true))))))
        outputs = found.shape[1]!
        predicted ??= new Float64Array(seeds * n * outputs)
        test.forEach((row, i) => predicted!.set(found.data.subarray(i * outputs, (i + 1) * outputs), (s * n + row) * outputs))
        const right = problem.dataset.meta.classes
          ? hits(
              found,
              Int32Array.from(test, (i) => labels[i]!),
            )
          : NaN
        accuracy += right
        const step = s * folds + f
        const told = problem.dataset.meta.classes ? { accuracy: accuracy / (step + 1) } : {}
        run.emit({ type: 'step', fold: 'fits', step, of: folds * seeds, values: told })
      }
    }
    const held = { folds: int32(assigned, [seeds, n]), predicted: matrix([seeds, n, outputs], predicted), labels: fields['y']! }
    return posteriorOf(fits, held)
  },
  async restore({ values, meta }, problem) {
    const { fits } = meta as unknown as { fits: readonly { kind: string; meta: Json }[] }
    const of = (k: number): Values => {
      const prefix = `fit.${k}.`
      return Object.fromEntries(
        Object.entries(values).flatMap(([name, v]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), v]] : [])),
      )
    }
    const restored = await Promise.all(fits.map(async (fit, k) => options.of.restore({ ...fit, values: of(k) }, problem)))
    return posteriorOf(restored, { folds: values['folds']!, predicted: values['predicted']!, labels: values['labels']! })
  },
  plan: (problem) => ({ fits: options.folds * options.seeds, ...options.of.plan?.(problem) }),
})
