import type { Batch, Dataset, HostKey, Input, Sampler, Tensors, Value, Values } from 'ockham'
import { bucketOf, cutTo, type Bucketing } from './buckets.js'
import { sequential } from './samplers.js'
import { under, value } from './trees.js'

export interface BatchOptions {
  /** Rows a batch. */
  readonly size: number
  /** Which rows; without one, every row in order. */
  readonly sampler?: Sampler
  /** What a last, short batch is filled with: rows of weight 0 (true, the default) or rows from the start (false). */
  readonly pad?: boolean
  /** Whether the dataset may augment; by default it may where a sampler draws. */
  readonly augment?: boolean
  /** Cuts each batch to the bucket of its longest example. */
  readonly bucketing?: Bucketing
}

/** A fold's feed: the batch of each step as Values `x`, `y`, `weight`, `index`, … of static shapes. */
export function batches(dataset: Dataset, split: string, options: BatchOptions): (step: number, key: HostKey) => Promise<Values> {
  const { size, sampler = sequential, pad = true, augment = options.sampler !== undefined, bucketing } = options
  return async (step, key) => {
    const rows = sampler.rows(dataset.meta, split, step, size, key.fold('rows'))
    const count = dataset.meta.splits[split] ?? 0
    const index = value(
      Array.from(rows.data, (row, i) => (row >= 0 ? row : pad ? 0 : i % count)),
      [size],
      'int32',
    )
    const fields = await dataset.read(split, index, augment ? key.fold('augment').fold(step) : undefined)
    const kept = bucketing ? cutTo(fields, bucketing.full, longest(rows, bucketing)) : fields
    return { ...kept, weight: weights(rows, pad, fields['weight']), index }
  }
}

const longest = ({ data }: Value, { lengths, buckets }: Bucketing): number =>
  bucketOf(
    Array.from(data).reduce((most, row) => Math.max(most, row >= 0 ? lengths[row]! : 0), 0),
    buckets,
  )

function weights(rows: Value, pad: boolean, given: Value | undefined): Value {
  return value(Array.from(rows.data, (row, i) => (row >= 0 || !pad ? (given?.data[i] ?? 1) : 0)))
}

/** The input in a feed: `x`, or a record of `x.<name>`. */
export const asInput = (feed: Tensors): Input => feed['x'] ?? under('x.', feed)

/** A feed of {@link batches} as the batch that terms see. Tensors must be under their plain names. */
export const asBatch = (feed: Tensors): Batch => ({
  x: asInput(feed),
  y: feed['y']!,
  weight: feed['weight']!,
  index: feed['index']!,
  ...(feed['group'] && { group: feed['group'] }),
})
