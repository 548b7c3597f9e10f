import type { TypedArray, Value } from 'ockham'

const width = ({ shape }: Value): number => shape.slice(1).reduce((a, b) => a * b, 1)

const blank = (v: Value, length: number): TypedArray => new (v.data.constructor as new (length: number) => TypedArray)(length)

/** Rows `start` to `start + size` of a host array [n, …], in its own memory; rows beyond the end are zero, and then all are copied. */
export function rowsOf(v: Value, start: number, size: number): Value {
  const step = width(v)
  if ((start + size) * step <= v.data.length)
    return { shape: [size, ...v.shape.slice(1)], dtype: v.dtype, data: v.data.subarray(start * step, (start + size) * step) }
  const data = blank(v, size * step)
  data.set(v.data.subarray(start * step, (start + size) * step))
  return { shape: [size, ...v.shape.slice(1)], dtype: v.dtype, data }
}

/** Host arrays one below the other. They agree in all axes but the first. */
export function concatRows(parts: readonly Value[]): Value {
  const first = parts[0]!
  const rows = parts.reduce((n, { shape }) => n + shape[0]!, 0)
  const data = blank(first, rows * width(first))
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.data.length
  }
  return { shape: [rows, ...first.shape.slice(1)], dtype: first.dtype, data }
}
