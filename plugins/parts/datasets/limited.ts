import { createHash } from 'node:crypto'
import type { Dataset, DatasetMeta, HostKey, Resolved, Value, Values } from 'ockham'
import { hostKey, InputError, slot } from 'ockham'
import { z } from 'zod'
import { share } from './holdout.js'
import { noSplit } from './memory.js'
import { seedOption } from './options.js'

/** Which rows of which splits are kept. */
export interface Limits {
  /** Examples to keep of each split that is limited; a split that has fewer keeps them all. */
  readonly sizes: Readonly<Record<string, number>>
  readonly seed: number
}

type Counts = readonly number[] | undefined

/** How many examples of each class a balanced choice of `n` takes: level by level, the rarer classes whole. */
export function quotas(counts: readonly number[], n: number): number[] {
  const taken = counts.map(() => 0)
  let left = Math.min(
    n,
    counts.reduce((a, b) => a + b, 0),
  )
  while (left > 0) {
    const open = counts.flatMap((count, c) => (taken[c]! < count ? [c] : []))
    const step = Math.max(1, Math.min(Math.floor(left / open.length), ...open.map((c) => counts[c]! - taken[c]!)))
    for (const c of open.slice(0, left)) {
      taken[c] = taken[c]! + step
      left -= step
    }
  }
  return taken
}

const SCANNED = 512

/** The first rows of a random order that fill the quotas, and their groups' counts; labels are read a few hundred at a time. */
async function choose(dataset: Dataset, split: string, quota: readonly number[], seed: number): Promise<Int32Array> {
  const order = hostKey(seed).fold('subset').fold(split).permutation(dataset.meta.splits[split]!).data as Int32Array
  const wanted = [...quota]
  const chosen: number[] = []
  const total = quota.reduce((a, b) => a + b, 0)
  for (let from = 0; from < order.length && chosen.length < total; from += SCANNED) {
    const rows = order.subarray(from, from + SCANNED)
    const { y } = await dataset.read(split, { shape: [rows.length], dtype: 'int32', data: rows })
    rows.forEach((row, i) => {
      const label = y!.data[i]!
      if (wanted[label]! > 0) {
        wanted[label]!--
        chosen.push(row)
      }
    })
  }
  return Int32Array.from(chosen)
}

const unbalanced = (count: number, n: number, split: string, seed: number): Int32Array =>
  (hostKey(seed).fold('subset').fold(split).permutation(count).data as Int32Array).slice(0, n)

/** Meta-data of what is kept. Group counts of a limited split are not known before it is read, so they are left out. */
function metaOf(meta: DatasetMeta, { sizes, seed }: Limits): DatasetMeta {
  const limited = (split: string): boolean => (sizes[split] ?? Infinity) < meta.splits[split]!
  const splits = Object.fromEntries(Object.entries(meta.splits).map(([split, count]) => [split, Math.min(count, sizes[split] ?? count)]))
  const classes = (split: string, counts: Counts): { class?: number[] } => (counts ? { class: quotas(counts, splits[split]!) } : {})
  const counts =
    meta.counts &&
    Object.fromEntries(Object.entries(meta.counts).map(([split, of]) => [split, limited(split) ? classes(split, of.class) : of]))
  const digest = createHash('sha256').update(JSON.stringify([meta.digest, Object.entries(splits).sort(), seed]))
  return { ...meta, splits, ...(counts && { counts }), digest: digest.digest('hex') }
}

/** A dataset of fewer examples, class-balanced as far as each class goes, chosen by the seed. */
export function fewer(dataset: Dataset, limits: Limits): Dataset {
  const chosen = new Map<string, Promise<Int32Array>>()
  const rowsOf = (split: string): Promise<Int32Array> => {
    const n = Math.min(limits.sizes[split]!, dataset.meta.splits[split]!)
    const counts = dataset.meta.counts?.[split]?.class
    const rows =
      chosen.get(split) ??
      (counts
        ? choose(dataset, split, quotas(counts, n), limits.seed)
        : Promise.resolve(unbalanced(dataset.meta.splits[split]!, n, split, limits.seed)))
    chosen.set(split, rows)
    return rows
  }
  const over = (of: Dataset): Dataset => ({
    ...of,
    meta: metaOf(dataset.meta, limits),
    async read(split: string, rows: Value, key?: HostKey): Promise<Values> {
      if (!((limits.sizes[split] ?? Infinity) < (dataset.meta.splits[split] ?? 0))) return of.read(split, rows, key)
      const kept = await rowsOf(split)
      return of.read(split, { ...rows, data: Int32Array.from(rows.data, (row) => kept[row] ?? -1) }, key)
    },
    ...(of.rescaled && { rescaled: (scaling) => over(of.rescaled!(scaling)) }),
  })
  return over(dataset)
}

/** At most `n` examples of each split, class-balanced where classes are known; the same ones every time. */
export const limited = (dataset: Dataset, n: number): Dataset =>
  fewer(dataset, { sizes: Object.fromEntries(Object.keys(dataset.meta.splits).map((split) => [split, n])), seed: 0 })

export const subsetOptions = z
  .strictObject({
    of: slot('dataset').describe('the dataset to choose from'),
    size: z.number().int().positive().optional().describe('examples to keep of each split; or give fraction'),
    fraction: z.number().positive().lt(1).optional().describe('share of the examples to keep'),
    splits: z.array(z.string()).min(1).default(['train']).describe('splits that become smaller; the others stay whole'),
    seed: seedOption,
  })
  .refine((o) => (o.size === undefined) !== (o.fraction === undefined), 'give either size or fraction')

/** Some examples of a dataset. Errors: `OCK-DATA-001` unknown split, `050` more examples than there are. */
export function subset({ of, size, fraction, splits, seed }: Resolved<z.output<typeof subsetOptions>>): Dataset {
  const sizes: Record<string, number> = {}
  for (const split of splits) {
    const count = of.meta.splits[split]
    if (count === undefined) throw noSplit(split, of.meta.splits, 'option splits')
    if (size !== undefined && size > count)
      throw new InputError({
        code: 'OCK-DATA-050',
        what: `a subset of ${size} examples of '${split}', which has ${count}`,
        where: 'option size',
        remedy: `take at most ${count}`,
      })
    sizes[split] = size ?? Math.max(1, share(fraction!, count))
  }
  return fewer(of, { sizes, seed })
}
