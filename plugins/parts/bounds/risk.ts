import type { Dataset, Posterior, Value } from 'ockham'
import { inputsOf, RunError } from 'ockham'

/** Rows read and predicted at once. */
const chunk = 512

/** What a loss looks at: class probabilities of rows, float32 [n, classes], and their labels. */
export interface Scored {
  readonly probabilities: ArrayLike<number>
  readonly classes: number
  readonly labels: ArrayLike<number>
}

/** Numbers of each row, in order; several losses of a row stand one after the other. */
export type RowLoss = (scored: Scored) => ArrayLike<number>

const refused = (what: string, where: string): RunError =>
  new RunError({ code: 'OCK-BOUND-005', what, where, remedy: 'bound the risk of a classifier on a labelled split' })

/**
 * Losses of a posterior on rows of a split, all rows unless given, as float64 [rows · width]: a pass over the data in which nothing but the
 * losses is kept. Throws `OCK-BOUND-005` where there are no class probabilities, or no labels that are classes.
 */
export async function lossesOf(
  posterior: Posterior,
  dataset: Dataset,
  split: string,
  loss: RowLoss,
  rows?: ArrayLike<number>,
): Promise<Float64Array> {
  const count = rows?.length ?? dataset.meta.splits[split] ?? 0
  let all: Float64Array | undefined
  for (let from = 0; from < count; from += chunk) {
    const data = Int32Array.from({ length: Math.min(chunk, count - from) }, (_, i) => rows?.[from + i] ?? from + i)
    const fields = await dataset.read(split, { shape: [data.length], dtype: 'int32', data })
    const inputs = inputsOf(fields)
    const prediction = await posterior.predict(inputs)
    if (prediction.kind !== 'categorical') throw refused('the posterior predicts numbers, not classes', split)
    const { probabilities } = prediction
    const labels = checked(fields['y'], probabilities, split, from)
    const found = loss({ probabilities: probabilities.data, classes: probabilities.shape[1]!, labels })
    all ??= new Float64Array((count * found.length) / data.length)
    all.set(Float64Array.from(found), (from * found.length) / data.length)
  }
  if (!all) throw refused(`there are no rows in the split ${split}`, split)
  return all
}

function checked(y: Value | undefined, { shape, data }: Value, split: string, from: number): ArrayLike<number> {
  if (!y) throw refused('there are no labels', split)
  const bad = y.data.findIndex((label) => !(label >= 0 && label < shape[1]!))
  if (bad >= 0) throw refused(`the label ${y.data[bad]} is none of the ${shape[1]} classes`, `${split}, row ${from + bad}`)
  const wild = data.findIndex((p) => !Number.isFinite(p))
  if (wild >= 0) throw refused(`a probability is ${data[wild]}`, `${split}, row ${from + Math.floor(wild / shape[1]!)}`)
  return y.data
}
