import type { Dtype, Scaling, TypedArray, Value } from 'ockham'
import { RunError } from 'ockham'

/** All rows of one field of a split, in memory. */
export interface Field {
  /** Of one example. */
  readonly shape: readonly number[]
  /** As it is read. */
  readonly dtype: Exclude<Dtype, 'float64'>
  /** Bytes read as float32 are pixels and stand for byte / 255; float64 keeps its digits until it is scaled. */
  readonly data: TypedArray
}

/** Numbers in an array of a shape. */
export const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Rows of a field. */
export const rowsOf = ({ shape, data }: Field): number => data.length / size(shape)

const outputs = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const

const spread = (numbers: readonly number[], width: number): Float64Array =>
  Float64Array.from({ length: width }, (_, j) => numbers[j % numbers.length]!)

/** (x − mean) / std along the last axis of data [n, …], in place. */
export function scale(data: TypedArray, width: number, scaling: Scaling): void {
  const mean = spread(scaling.mean, width)
  const std = spread(scaling.std, width)
  for (let from = 0; from < data.length; from += width)
    for (let j = 0; j < width; j++) data[from + j] = (data[from + j]! - mean[j]!) / std[j]!
}

/** Throws `OCK-DATA-002` where a row is not in the split. */
export function checkRows(rows: TypedArray, count: number, where: string): void {
  for (const row of rows)
    if (!(row >= 0 && row < count))
      throw new RunError({
        code: 'OCK-DATA-002',
        what: `row ${row} was asked for, and the split has ${count} rows`,
        where,
        remedy: `ask for rows 0 to ${count - 1}`,
      })
}

/** The rows of a field, scaled in float64 and rounded once. [n, …] */
export function gather(field: Field, rows: TypedArray, scaling?: Scaling): Value {
  const { shape, dtype, data: source } = field
  const width = size(shape)
  const data = new outputs[dtype](rows.length * width)
  const unit = dtype === 'float32' && source instanceof Uint8Array ? 255 : 1
  if (unit === 1 && !scaling) rows.forEach((row, i) => data.set(source.subarray(row * width, (row + 1) * width), i * width))
  else {
    const mean = spread(scaling?.mean ?? [0], width)
    const std = spread(scaling?.std ?? [1], width)
    for (let i = 0, to = 0; i < rows.length; i++)
      for (let j = 0, from = rows[i]! * width; j < width; j++) data[to++] = (source[from++]! / unit - mean[j]!) / std[j]!
  }
  return { shape: [rows.length, ...shape], dtype, data }
}
