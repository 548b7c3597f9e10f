import { createHash } from 'node:crypto'
import type { Dataset, HostKey, Resolved, Value, Values } from 'ockham'
import { hostKey, InputError, slot } from 'ockham'
import { z } from 'zod'
import { noSplit } from './memory.js'
import { seedOption } from './options.js'

export const labelNoiseOptions = z.strictObject({
  of: slot('dataset').describe('the dataset whose labels become noisy'),
  rate: z.number().min(0).max(1).describe('probability that a label is drawn anew'),
  redraw: z.boolean().default(true).describe('true: among all classes, the right one too; false: among the others'),
  splits: z.array(z.string()).min(1).default(['train']).describe('splits whose labels become noisy'),
  seed: seedOption,
})

/** Rows whose labels are read at once. */
const chunk = 4096

async function labelsOf(dataset: Dataset, split: string): Promise<Int32Array> {
  const count = dataset.meta.splits[split]!
  const labels = new Int32Array(count)
  for (let from = 0; from < count; from += chunk) {
    const data = Int32Array.from({ length: Math.min(chunk, count - from) }, (_, i) => from + i)
    labels.set((await dataset.read(split, { shape: [data.length], dtype: 'int32', data }))['y']!.data, from)
  }
  return labels
}

/** Each label, with probability `rate`, drawn anew among all classes, or among the others. */
function noisy(labels: Int32Array, classes: number, { rate, redraw }: { rate: number; redraw: boolean }, key: HostKey): Int32Array {
  const changed = key.fold('changed').bernoulli(rate, [labels.length]).data
  const drawn = key.fold('drawn').integers([labels.length], redraw ? classes : classes - 1).data
  return labels.map((label, i) => (changed[i] === 0 ? label : redraw ? drawn[i]! : (label + 1 + drawn[i]!) % classes))
}

const tally = (labels: Int32Array, classes: number): number[] => {
  const counts = new Array<number>(classes).fill(0)
  for (const label of labels) counts[label]!++
  return counts
}

const clean = (split: string): string => `${split}-clean`

/**
 * A dataset with symmetric label noise: each label is drawn anew with a probability, the same ones every time. The right labels stay to be
 * measured against: `<split>-clean` has the rows of a noisy split with them.
 * Errors: `OCK-DATA-001` unknown split, `OCK-DATA-051` no classes.
 */
export async function labelNoise(options: Resolved<z.output<typeof labelNoiseOptions>>): Promise<Dataset> {
  const { of, splits, seed, rate, redraw } = options
  const { meta } = of
  const classes = meta.classes?.length ?? 0
  for (const split of splits) if (meta.splits[split] === undefined) throw noSplit(split, meta.splits, 'option splits')
  if (classes < 2)
    throw new InputError({
      code: 'OCK-DATA-051',
      what: `label noise is among classes, and the dataset has ${classes === 0 ? 'none' : 'one'}`,
      where: 'option of',
      remedy: 'choose a dataset for classification',
    })
  const labels = new Map<string, Int32Array>()
  const counts: Record<string, { readonly class?: readonly number[]; readonly group?: readonly number[] }> = { ...meta.counts }
  for (const split of splits) {
    const right = await labelsOf(of, split)
    const wrong = noisy(right, classes, options, hostKey(seed).fold('label-noise').fold(split))
    labels.set(split, wrong)
    counts[clean(split)] = { ...meta.counts?.[split], class: tally(right, classes) }
    counts[split] = { ...meta.counts?.[split], class: tally(wrong, classes) }
  }
  const digest = createHash('sha256').update(JSON.stringify([meta.digest, rate, redraw, [...splits].sort(), seed]))
  const known = {
    ...meta,
    counts,
    splits: { ...meta.splits, ...Object.fromEntries(splits.map((split) => [clean(split), meta.splits[split]!])) },
    digest: digest.digest('hex'),
  }
  const origin = new Map(splits.map((split) => [clean(split), split]))
  const over = (inner: Dataset): Dataset => ({
    ...inner,
    meta: known,
    async read(split: string, rows: Value, key?: HostKey): Promise<Values> {
      const fields = await inner.read(origin.get(split) ?? split, rows, key)
      const wrong = labels.get(split)
      if (!wrong) return fields
      return { ...fields, y: { ...fields['y']!, data: Int32Array.from(rows.data, (row) => wrong[row]!) } }
    },
    ...(inner.rescaled && { rescaled: (scaling) => over(inner.rescaled!(scaling)) }),
  })
  return over(of)
}
