import type { HostKey, Sampler, Value } from 'ockham'
import { z } from 'zod'
import { value } from './trees.js'

export const shuffledOptions = z.strictObject({})

/** Steps that see every example once. */
export const stepsPerEpoch = (examples: number, size: number): number => Math.ceil(examples / size)

/** Rows 0, 1, 2, … again and again; −1 after the last row of a pass. */
export const sequential: Sampler = {
  rows(meta, split, step, size) {
    const count = meta.splits[split] ?? 0
    const start = (step % stepsPerEpoch(count, size)) * size
    return value(
      Array.from({ length: size }, (_, i) => (start + i < count ? start + i : -1)),
      [size],
      'int32',
    )
  },
}

/** Keys are values without a name; this many draws tell them apart. */
const fingerprint = (key: HostKey): string => Array.from(key.uniform([4]).data).join()

/**
 * A fresh permutation of the split each epoch, so that an epoch sees every example exactly once.
 * A pure function of key and step; the permutation of the current epoch is kept only to save time.
 */
export const shuffled = (): Sampler => {
  let kept: { readonly of: string; readonly order: Value } | undefined
  return {
    rows(meta, split, step, size, key) {
      const count = meta.splits[split] ?? 0
      const steps = stepsPerEpoch(count, size)
      const stream = key.fold(Math.floor(step / steps))
      const of = `${split} ${count} ${fingerprint(stream)}`
      if (kept?.of !== of) kept = { of, order: stream.permutation(count) }
      const { data } = kept.order
      const start = (step % steps) * size
      return value(
        Array.from({ length: size }, (_, i) => data[start + i] ?? -1),
        [size],
        'int32',
      )
    },
  }
}
