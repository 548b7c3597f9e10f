import { InputError, inputsOf, type Dataset, type HostKey, type Sampler, type TypedArray, type Value, type Values } from 'ockham'
import { stepsPerEpoch } from './samplers.js'
import { map, value } from './trees.js'

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

/** The first `length` places of axis 1 of every field that has `full` of them. */
export const cutTo = (fields: Values, full: number, length: number): Values =>
  map(fields, (v) => {
    const { shape, dtype, data } = v
    if (shape[1] !== full || length === full) return v
    const [rows, width] = [shape[0]!, shape.slice(2).reduce((a, b) => a * b, 1)]
    const kept = new (data.constructor as new (n: number) => TypedArray)(rows * length * width)
    for (let i = 0; i < rows; i++) kept.set(data.subarray(i * full * width, (i * full + length) * width), i * length * width)
    return { shape: [rows, length, ...shape.slice(2)], dtype, data: kept }
  })

/** Places of one example's input. */
const placesOf = ({ shapes }: Dataset['meta']): number => Object.values(inputsOf(shapes))[0]?.shape[0] ?? 1

/** What learning in buckets needs of a dataset: its lengths, and the lengths that batches are cut to. */
export interface Bucketing {
  readonly buckets: Buckets
  /** Places that fields are padded to where they are read. */
  readonly full: number
  /** Places that each example has [N]. */
  readonly lengths: Int32Array
}

/**
 * Lengths of a split's examples, its field `length` int32 [n], read once. Buckets end where the dataset's own padding does unless they say.
 * Throws `OCK-TRAIN-022` where there is no such field.
 */
export async function bucketing(dataset: Dataset, split: string, { least, most, growth }: Partial<Buckets>): Promise<Bucketing> {
  const { meta } = dataset
  const [full, count] = [placesOf(meta), meta.splits[split] ?? 0]
  if (!meta.shapes['length'])
    throw new InputError({
      code: 'OCK-TRAIN-022',
      what: 'buckets need to know how long examples are, and the dataset has no field length',
      where: 'inference.buckets',
      remedy: 'give the dataset a field length, int32 [n], or leave buckets out',
    })
  const lengths = new Int32Array(count)
  for (let from = 0; from < count; from += 1024) {
    const rows = Array.from({ length: Math.min(1024, count - from) }, (_, i) => from + i)
    lengths.set((await dataset.read(split, value(rows, [rows.length], 'int32')))['length']!.data, from)
  }
  const end = most ?? full
  return { buckets: { least: Math.min(least ?? 16, end), most: end, ...(growth !== undefined && { growth }) }, full, lengths }
}

/**
 * Batches of like lengths: each epoch sees every example once, in a random order within its bucket, and buckets come mixed. A pure
 * function of step and key, as samplers are.
 */
export function alike({ buckets, lengths }: Bucketing): Sampler {
  const bucket = Array.from(lengths, (length) => bucketOf(length, buckets))
  return {
    rows(meta, split, step, size, key: HostKey) {
      const count = meta.splits[split] ?? 0
      const steps = stepsPerEpoch(count, size)
      const stream = key.fold(Math.floor(step / steps))
      const order = Array.from(stream.permutation(count).data).sort((a, b) => bucket[a]! - bucket[b]!)
      const batch = stream.fold('batches').permutation(steps).data[step % steps]!
      return value(
        Array.from({ length: size }, (_, i) => order[batch * size + i] ?? -1),
        [size],
        'int32',
      )
    },
  }
}
