import type { Dtype, Precision, TypedArray, Value } from 'ockham'

/** A fresh array of the type. */
export function dataOf(dtype: Dtype, from: ArrayLike<number>): TypedArray {
  if (dtype === 'float32') return Float32Array.from(from)
  if (dtype === 'float64') return Float64Array.from(from)
  if (dtype === 'int32') return Int32Array.from(from)
  return Uint8Array.from(from, (n) => (n ? 1 : 0))
}

/** Floats at the program's precision; the same Value where nothing changes. */
export function cast(value: Value, precision: Precision): Value {
  if (value.dtype !== 'float32' && value.dtype !== 'float64') return value
  return value.dtype === precision ? value : { shape: value.shape, dtype: precision, data: dataOf(precision, value.data) }
}

/** Whether all elements are the same number, bit for bit. */
export const sameData = (data: TypedArray): boolean => data.every((x) => Object.is(x, data[0]))

export const bytesOf = (shape: readonly number[], dtype: Dtype): number =>
  shape.reduce((a, b) => a * b, 1) * (dtype === 'float64' ? 8 : dtype === 'bool' ? 1 : 4)

export const isValue = (x: unknown): x is Value =>
  typeof x === 'object' && x !== null && 'shape' in x && 'dtype' in x && 'data' in x && ArrayBuffer.isView(x.data)

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array }

/** What is wrong with a Value, if anything. */
export function flaw(value: Value): string | undefined {
  const size = value.shape.reduce((a, b) => a * b, 1)
  if (!Object.hasOwn(arrays, value.dtype)) return `there is no type '${value.dtype}'`
  if (!(value.data instanceof arrays[value.dtype])) return `${value.dtype} data must be a ${arrays[value.dtype].name}`
  if (value.data.length !== size) return `shape [${value.shape}] needs ${size} elements, not ${value.data.length}`
  return undefined
}
