import { hostKey, type Dataset, type Value } from 'ockham'

/** Rows of the training split, dealt once: those that the prior may see, and those that the bound is about. */
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

/** A dataset whose only split is some training rows of another. */
export function viewOf(dataset: Dataset, rows: Int32Array): Dataset {
  const { counts: _, ...meta } = dataset.meta
  return {
    ...dataset,
    meta: { ...meta, splits: { train: rows.length } },
    read: (split, asked: Value, key) => dataset.read(split, { ...asked, data: Int32Array.from(asked.data, (i: number) => rows[i]!) }, key),
  }
}
