import { InputError, type Value } from 'ockham'

/** A float64 Value of a shape. Copies and converts `data` unless it is float64 already. */
export const matrix = (shape: readonly number[], data: ArrayLike<number> = new Float64Array(shape.reduce((n, d) => n * d, 1))): Value => ({
  shape,
  dtype: 'float64',
  data: data instanceof Float64Array ? data : Float64Array.from(data),
})

/** Elements as float64; the array itself where it holds float64. */
export const doubles = ({ data }: Value): Float64Array => (data instanceof Float64Array ? data : Float64Array.from(data))

const mismatch = (what: string, where: string): InputError =>
  new InputError({ code: 'OCK-LINALG-001', what, where, remedy: 'check the shapes given' })

/** n of a square matrix [n, n]. Throws `OCK-LINALG-001`. */
export function sizeOf({ shape }: Value, where: string): number {
  const [n, m] = shape
  if (shape.length === 2 && n === m) return n!
  throw mismatch(`a square matrix is needed, and the shape is [${shape.join(', ')}]`, where)
}

/** [rows, columns] of a matrix; a vector [n] counts as one column. Throws `OCK-LINALG-001`, also where `rows` are not as many as wanted. */
export function extentOf({ shape }: Value, where: string, rows?: number): [number, number] {
  const [n, k = 1] = shape
  if (n === undefined || shape.length > 2) throw mismatch(`a matrix or vector is needed, and the shape is [${shape.join(', ')}]`, where)
  if (rows !== undefined && n !== rows) throw mismatch(`${rows} rows are needed, and the shape is [${shape.join(', ')}]`, where)
  return [n, k]
}
