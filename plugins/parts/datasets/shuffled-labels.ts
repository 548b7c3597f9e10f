import { createHash } from 'node:crypto'
import type { Dataset, HostKey, Resolved, Value, Values } from 'ockham'
import { hostKey, slot } from 'ockham'
import { z } from 'zod'
import { noSplit } from './memory.js'
import { seedOption } from './options.js'

export const shuffledLabelsOptions = z.strictObject({
  of: slot('dataset').describe('the dataset whose labels are shuffled'),
  splits: z.array(z.string()).min(1).default(['train']).describe('splits whose labels are shuffled, each within itself'),
  seed: seedOption,
})

/**
 * A dataset in which a row has the label of another row of its split, by a random permutation: inputs say nothing about labels, so that what
 * fits them has learnt by heart (Zhang et al. 2017). Errors: `OCK-DATA-001` unknown split.
 */
export function shuffledLabels({ of, splits, seed }: Resolved<z.output<typeof shuffledLabelsOptions>>): Dataset {
  for (const split of splits) if (of.meta.splits[split] === undefined) throw noSplit(split, of.meta.splits, 'option splits')
  const orders = new Map(
    splits.map((split) => [split, hostKey(seed).fold('shuffled-labels').fold(split).permutation(of.meta.splits[split]!).data] as const),
  )
  const digest = createHash('sha256')
    .update(JSON.stringify([of.meta.digest, [...splits].sort(), seed]))
    .digest('hex')
  const over = (inner: Dataset): Dataset => ({
    ...inner,
    meta: { ...inner.meta, digest },
    async read(split: string, rows: Value, key?: HostKey): Promise<Values> {
      const fields = await inner.read(split, rows, key)
      const order = orders.get(split)
      if (!order) return fields
      const { y } = await inner.read(split, { ...rows, data: Int32Array.from(rows.data, (row) => order[row] ?? row) })
      return { ...fields, ...(y && { y }) }
    },
    ...(inner.rescaled && { rescaled: (scaling) => over(inner.rescaled!(scaling)) }),
  })
  return over(of)
}
