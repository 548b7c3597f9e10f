import { createHash } from 'node:crypto'
import type { Dataset, DatasetMeta, HostKey, Resolved, Value, Values } from 'ockham'
import { hostKey, InputError, slot } from 'ockham'
import { z } from 'zod'
import { noSplit } from './memory.js'
import { seedOption } from './options.js'

export const dividedOptions = z.strictObject({
  of: slot('dataset').describe('the dataset whose split is divided'),
  split: z.string().default('validation').describe('the split that is divided; it is gone afterwards'),
  into: z
    .record(z.string(), z.number().positive())
    .refine((parts) => Object.keys(parts).length > 1, 'name two parts or more')
    .default({ temperature: 1, conformal: 1 })
    .describe('names of the parts, and their sizes in proportion'),
  seed: seedOption,
})

/** Where each part begins and ends among n rows in random order; none is empty where there are rows enough. */
function cuts(into: Readonly<Record<string, number>>, n: number): Record<string, readonly [number, number]> {
  const total = Object.values(into).reduce((a, b) => a + b, 0)
  let [before, from] = [0, 0]
  const found: Record<string, readonly [number, number]> = {}
  for (const [name, share] of Object.entries(into)) {
    before += share
    const to = Math.round((n * before) / total)
    found[name] = [from, to]
    from = to
  }
  return found
}

/**
 * A dataset with one of its splits dealt into disjoint parts at random: what fits a temperature must not also give a conformal threshold.
 * Errors: `OCK-DATA-001` for a split that is not there, `052` for parts without rows or of a name that is taken.
 */
export function divided({ of, split, into, seed }: Resolved<z.output<typeof dividedOptions>>): Dataset {
  const count = of.meta.splits[split]
  if (count === undefined) throw noSplit(split, of.meta.splits, 'option split')
  const parts = cuts(into, count)
  for (const [name, [from, to]] of Object.entries(parts)) {
    const taken = name !== split && of.meta.splits[name] !== undefined
    if (!taken && to > from) continue
    throw new InputError({
      code: 'OCK-DATA-052',
      what: taken ? `the dataset has a split '${name}' already` : `the part '${name}' of ${count} examples would be empty`,
      where: 'option into',
      remedy: taken ? 'choose another name' : 'divide a larger split, or give the part a larger share',
    })
  }
  const order = hostKey(seed).fold('divided').fold(split).permutation(count).data
  const { [split]: _, ...others } = of.meta.splits
  const { [split]: __, ...counts } = of.meta.counts ?? {}
  const digest = createHash('sha256').update(JSON.stringify([of.meta.digest, split, into, seed]))
  const meta: DatasetMeta = {
    ...of.meta,
    splits: { ...others, ...Object.fromEntries(Object.entries(parts).map(([name, [from, to]]) => [name, to - from])) },
    ...(of.meta.counts && { counts }),
    digest: digest.digest('hex'),
  }
  const over = (dataset: Dataset): Dataset => ({
    ...dataset,
    meta,
    read(name: string, rows: Value, key?: HostKey): Values | Promise<Values> {
      const part = parts[name]
      if (!part) return dataset.read(name, rows, key)
      const [from, to] = part
      return dataset.read(
        split,
        { ...rows, data: Int32Array.from(rows.data, (row) => (row >= 0 && from + row < to ? order[from + row]! : -1)) },
        key,
      )
    },
    ...(dataset.rescaled && { rescaled: (scaling) => over(dataset.rescaled!(scaling)) }),
  })
  return over(of)
}
