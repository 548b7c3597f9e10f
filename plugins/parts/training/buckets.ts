import { InputError, type TypedArray, type Value } from 'ockham'

export interface Buckets {
  /** Shortest and longest length that is padded to. */
  readonly least: number
  readonly most: number
  /** Ratio of one bucket to the one before it, at least. */
  readonly growth?: number
}

/**
 * The lengths that sequences are padded to, rising by `growth` (2) from `least` to `most`. A program compiles once a shape, so it compiles
 * no more often than there are buckets: 1 + ⌈log(most/least) / log growth⌉.
 */
export function bucketLengths({ least, most, growth = 2 }: Buckets): number[] {
  const lengths = [least]
  while (lengths.at(-1)! < most) lengths.push(Math.min(most, Math.max(lengths.at(-1)! + 1, Math.ceil(lengths.at(-1)! * growth))))
  return lengths
}

/** The shortest bucket that holds `length`. Throws `OCK-TRAIN-020` where none does. */
export function bucketOf(length: number, buckets: Buckets): number {
  const found = bucketLengths(buckets).find((l) => l >= length)
  if (found !== undefined) return found
  throw new InputError({
    code: 'OCK-TRAIN-020',
    what: `a length of ${length} is longer than the longest bucket, ${buckets.most}`,
    where: 'buckets',
    remedy: 'cut the sequence, or raise most',
  })
}

/** The value with axis `axis` padded at its end to `length` with `fill`. */
export function padTo(value: Value, axis: number, length: number, fill = 0): Value {
  const { shape, dtype, data } = value
  const [outer, inner] = [shape.slice(0, axis), shape.slice(axis + 1)].map((s) => s.reduce((a, b) => a * b, 1)) as [number, number]
  const [from, to] = [shape[axis]! * inner, length * inner]
  const padded = new (data.constructor as new (n: number) => TypedArray)(outer * to).fill(fill)
  for (let i = 0; i < outer; i++) padded.set(data.subarray(i * from, (i + 1) * from), i * to)
  return { shape: shape.map((n, i) => (i === axis ? length : n)), dtype, data: padded }
}
