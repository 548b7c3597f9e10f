import { hostKey, InputError, inputsOf, RunError, type Dataset, type Posterior, type Prediction, type Value } from 'ockham'
import { decisions } from './accuracy.js'
import { entropy } from './entropy.js'

/** Class probabilities of a split's rows, float64. */
export interface Categorical {
  readonly kind: 'categorical'
  readonly rows: number
  readonly classes: number
  /** [rows, classes]. */
  readonly probabilities: Float64Array
  /** [rows], as the dataset has them, which may be classes of its own; absent where the split has none. */
  readonly labels?: Int32Array
  /** Mean entropy of the members [rows], nats; of the prediction itself where it has no members. */
  readonly expectedEntropy: Float64Array
  /** Share of the members that vote for another class than most do [rows]; absent where the prediction has no members. */
  readonly variationRatio?: Float64Array
}

/** Means and variances of a split's rows, float64, in the target's original units. */
export interface Normal {
  readonly kind: 'normal'
  readonly rows: number
  readonly outputs: number
  /** [rows, outputs]. */
  readonly mean: Float64Array
  readonly variance: Float64Array
  /** The part of the variance that no knowledge of the weights would take away; absent where the posterior does not say. */
  readonly noise?: Float64Array
  /** What the predictions are mixtures of, [S, rows, outputs] each; absent where they are not. */
  readonly members?: { readonly mean: Float64Array; readonly variance: Float64Array }
  readonly targets?: Float64Array
}

export type Predictions = Categorical | Normal

/** Rows read and predicted at once. */
const chunk = 1024

/** What predicts: a posterior, or weights while they are learnt. */
export type Predicts = Pick<Posterior, 'predict'>

const known = new WeakMap<Predicts, WeakMap<Dataset, Map<string, Promise<Predictions>>>>()

/**
 * Predictions of a posterior on all rows of a split, in order. Computed once and shared by whoever asks again. Where prediction draws,
 * it draws from a fixed stream, so that the result does not depend on who asked first, and variants of a model are compared on
 * the same draws. Throws `OCK-EVAL-001` for a split that is not there, `OCK-EVAL-002` for predictions that are not finite.
 */
export function predictionsOf(posterior: Predicts, dataset: Dataset, split: string): Promise<Predictions> {
  const bySplit = known.get(posterior)?.get(dataset)?.get(split)
  if (bySplit) return bySplit
  const found = predict(posterior, dataset, split)
  const datasets = known.get(posterior) ?? new WeakMap<Dataset, Map<string, Promise<Predictions>>>()
  const splits = datasets.get(dataset) ?? new Map<string, Promise<Predictions>>()
  known.set(posterior, datasets.set(dataset, splits.set(split, found)))
  // What failed may be asked again.
  found.catch(() => splits.delete(split))
  return found
}

/** Throws `OCK-EVAL-001` unless the dataset has rows in every split named. */
export function checkSplits({ meta }: Dataset, splits: readonly string[], where: string): void {
  const missing = splits.filter((s) => !((meta.splits[s] ?? 0) > 0))
  if (missing.length === 0) return
  throw new InputError(
    missing.map((s) => ({
      code: 'OCK-EVAL-001',
      what: `the dataset has no rows in a split '${s}'`,
      where,
      remedy: `choose among ${Object.keys(meta.splits).join(', ')}`,
    })),
  )
}

async function predict(posterior: Predicts, dataset: Dataset, split: string): Promise<Predictions> {
  checkSplits(dataset, [split], 'predictions')
  const rows = dataset.meta.splits[split]!
  const key = hostKey(0).fold('predictions')
  let gathered: Gatherer | undefined
  for (let from = 0; from < rows; from += chunk) {
    const data = Int32Array.from({ length: Math.min(chunk, rows - from) }, (_, i) => from + i)
    const fields = await dataset.read(split, { shape: [data.length], dtype: 'int32', data })
    const inputs = inputsOf(fields)
    const prediction = await posterior.predict(inputs, { key })
    gathered ??= prediction.kind === 'categorical' ? new Classes(rows, prediction) : new Numbers(rows, prediction, dataset)
    gathered.add(from, prediction, fields['y'], split)
  }
  return gathered!.whole()
}

interface Gatherer {
  add(from: number, prediction: Prediction, y: Value | undefined, split: string): void
  whole(): Predictions
}

const mixed = (split: string): RunError =>
  new RunError({ code: 'OCK-EVAL-002', what: 'the posterior changed its kind of prediction between calls', where: split })

function checkFinite(values: Value, width: number, from: number, split: string): void {
  const bad = values.data.findIndex((x) => !Number.isFinite(x))
  if (bad < 0) return
  throw new RunError({
    code: 'OCK-EVAL-002',
    what: `a prediction is ${values.data[bad]}`,
    where: `${split}, row ${from + Math.floor(bad / width)}`,
    remedy: 'training has diverged: look at the loss, lower the learning rate',
  })
}

class Classes implements Gatherer {
  readonly #classes: number
  readonly #probabilities: Float64Array
  readonly #expected: Float64Array
  #ratio: Float64Array | undefined
  #labels: Int32Array | undefined

  constructor(
    readonly rows: number,
    { probabilities }: Extract<Prediction, { kind: 'categorical' }>,
  ) {
    this.#classes = probabilities.shape[1]!
    this.#probabilities = new Float64Array(rows * this.#classes)
    this.#expected = new Float64Array(rows)
  }

  add(from: number, prediction: Prediction, y: Value | undefined, split: string): void {
    if (prediction.kind !== 'categorical') throw mixed(split)
    const { probabilities, members } = prediction
    checkFinite(probabilities, this.#classes, from, split)
    this.#probabilities.set(probabilities.data, from * this.#classes)
    this.#expected.set(meanEntropy(members ?? probabilities, this.#classes), from)
    if (members) (this.#ratio ??= new Float64Array(this.rows)).set(variationRatio(members), from)
    if (y) (this.#labels ??= new Int32Array(this.rows)).set(y.data, from)
  }

  whole(): Categorical {
    const labels = this.#labels
    return {
      kind: 'categorical',
      rows: this.rows,
      classes: this.#classes,
      probabilities: this.#probabilities,
      expectedEntropy: this.#expected,
      ...(this.#ratio && { variationRatio: this.#ratio }),
      ...(labels ? { labels } : {}),
    }
  }
}

/** Entropy a row, averaged over the members where there are some: [n, C] or [S, n, C] → [n]. */
function meanEntropy({ shape, data }: Value, classes: number): Float64Array {
  const samples = shape.length === 3 ? shape[0]! : 1
  const n = data.length / samples / classes
  const all = entropy(data, classes)
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0
    for (let s = 0; s < samples; s++) sum += all[s * n + i]!
    return sum / samples
  })
}

/** Share of votes that the commonest class does not get, [S, n, C] → [n]; a member votes for its most probable class, the first of equals. */
function variationRatio({ shape, data }: Value): Float64Array {
  const [samples, n, classes] = shape as [number, number, number]
  const votes = new Int32Array(n * classes)
  decisions(data, classes).predicted.forEach((c, k) => votes[(k % n) * classes + c]!++)
  return Float64Array.from({ length: n }, (_, i) => 1 - Math.max(...votes.subarray(i * classes, (i + 1) * classes)) / samples)
}

class Numbers implements Gatherer {
  readonly #outputs: number
  readonly #samples: number
  readonly #mean: Float64Array
  readonly #variance: Float64Array
  readonly #noise: Float64Array | undefined
  readonly #members: { readonly mean: Float64Array; readonly variance: Float64Array } | undefined
  #targets: Float64Array | undefined

  constructor(
    readonly rows: number,
    { mean, noise, members, memberVariance }: Extract<Prediction, { kind: 'normal' }>,
    readonly dataset: Dataset,
  ) {
    this.#outputs = mean.data.length / mean.shape[0]!
    const size = rows * this.#outputs
    this.#mean = new Float64Array(size)
    this.#variance = new Float64Array(size)
    this.#noise = noise && new Float64Array(size)
    this.#samples = members && memberVariance ? members.shape[0]! : 0
    this.#members =
      this.#samples > 0 ? { mean: new Float64Array(this.#samples * size), variance: new Float64Array(this.#samples * size) } : undefined
  }

  add(from: number, prediction: Prediction, y: Value | undefined, split: string): void {
    if (prediction.kind !== 'normal') throw mixed(split)
    const at = from * this.#outputs
    checkFinite(prediction.mean, this.#outputs, from, split)
    checkFinite(prediction.variance, this.#outputs, from, split)
    const { mean = [0], std = [1] } = this.dataset.target ?? {}
    const shift = (x: number, i: number) => x * std[(i % this.#outputs) % std.length]! + mean[(i % this.#outputs) % mean.length]!
    const stretch = (x: number, i: number) => x * std[(i % this.#outputs) % std.length]! ** 2
    this.#mean.set(Float64Array.from(prediction.mean.data, shift), at)
    this.#variance.set(Float64Array.from(prediction.variance.data, stretch), at)
    if (prediction.noise) this.#noise?.set(Float64Array.from(prediction.noise.data, stretch), at)
    if (this.#members && prediction.members && prediction.memberVariance)
      for (let s = 0; s < this.#samples; s++) {
        const place = s * this.rows * this.#outputs + at
        const own = ({ data }: Value) => data.subarray((s * data.length) / this.#samples, ((s + 1) * data.length) / this.#samples)
        this.#members.mean.set(Float64Array.from(own(prediction.members), shift), place)
        this.#members.variance.set(Float64Array.from(own(prediction.memberVariance), stretch), place)
      }
    if (y) (this.#targets ??= new Float64Array(this.rows * this.#outputs)).set(Float64Array.from(y.data, shift), at)
  }

  whole(): Normal {
    return {
      kind: 'normal',
      rows: this.rows,
      outputs: this.#outputs,
      mean: this.#mean,
      variance: this.#variance,
      ...(this.#noise && { noise: this.#noise }),
      ...(this.#members && { members: this.#members }),
      ...(this.#targets && { targets: this.#targets }),
    }
  }
}
