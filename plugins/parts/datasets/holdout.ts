import { hostKey, InputError } from 'ockham'
import { size } from './gather.js'
import type { Fields } from './memory.js'

/** `fields` at `rows`, copied. */
export const take = (fields: Fields, rows: ArrayLike<number>): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const width = size(field.shape)
      const data = new (field.data.constructor as Float32ArrayConstructor)(rows.length * width) as typeof field.data
      for (let i = 0; i < rows.length; i++) data.set(field.data.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width)
      return [name, { ...field, data }]
    }),
  )

/** A share of `count` rows: below 1 a fraction, rounded; from 1 a number of rows. */
export const share = (part: number, count: number): number => (part < 1 ? Math.round(part * count) : part)

/**
 * Deals rows 0 … count − 1 to named parts of given sizes and the rest to `train`, at random by the seed; rows keep their order within a part.
 * Errors: `OCK-DATA-017` where nothing is left for training.
 */
export function deal(count: number, parts: Readonly<Record<string, number>>, seed: number, where: string): Record<string, Int32Array> {
  const taken = Object.values(parts).reduce((a, b) => a + b, 0)
  if (taken >= count)
    throw new InputError({
      code: 'OCK-DATA-017',
      what: `${taken} of ${count} rows are held out, and none is left to train on`,
      where,
      remedy: 'hold out fewer rows',
    })
  const order = hostKey(seed).fold('held out').permutation(count).data as Int32Array
  let from = 0
  const next = (size: number): Int32Array => order.slice(from, (from += size)).sort()
  const dealt = Object.fromEntries(Object.entries(parts).flatMap(([name, size]) => (size > 0 ? [[name, next(size)]] : [])))
  return { train: next(count - taken), ...dealt }
}
