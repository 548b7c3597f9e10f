import { hostKey, type Dataset, type DatasetMeta, type HostKey, type Value } from 'ockham'

/** Rows of the training split, dealt once: those that a prior, or a start, may be learnt from, and those that the bound is about. */
export interface Parts {
  readonly prior: Int32Array
  readonly bound: Int32Array
}

/** The rows in an order that follows from the seed alone, a share of them for the prior. */
export function partsOf(examples: number, share: number, seed: number): Parts {
  const order = Int32Array.from(hostKey(seed).fold('prior and bound').permutation(examples).data)
  const count = Math.round(share * examples)
  return { prior: order.slice(0, count), bound: order.slice(count) }
}

/** A dataset whose training split is some rows of another's; its other splits are as they were. */
export function viewOf(dataset: Dataset, rows: Int32Array): Dataset {
  const { counts, ...rest } = dataset.meta
  const { train: _, ...others } = counts ?? {}
  const meta: DatasetMeta = { ...rest, splits: { ...rest.splits, train: rows.length }, ...(counts && { counts: others }) }
  const over = (of: Dataset): Dataset => ({
    ...of,
    meta,
    read: (split, asked: Value, key?: HostKey) =>
      split === 'train'
        ? of.read(split, { ...asked, data: Int32Array.from(asked.data, (i: number) => rows[i] ?? -1) }, key)
        : of.read(split, asked, key),
    ...(of.rescaled && { rescaled: (scaling) => over(of.rescaled!(scaling)) }),
  })
  return over(dataset)
}
