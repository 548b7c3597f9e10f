import type { Dtype, TypedArray } from 'ockham'

/** Bytes an element of each {@link Dtype}. */
export const bytesOf: Readonly<Record<Dtype, number>> = { float64: 8, float32: 4, int32: 4, bool: 1 }

/** The format's name of each {@link Dtype}. */
export const typeOf: Readonly<Record<Dtype, string>> = { float64: 'F64', float32: 'F32', int32: 'I32', bool: 'BOOL' }

/** How an element type of the format becomes a Value: bytes an element, and what its bytes stand for. */
export interface Reading {
  readonly bytes: number
  readonly dtype: Dtype
  /** `bytes` start at a buffer's beginning. Undefined where a number does not fit the dtype. */
  read(bytes: ArrayBuffer): TypedArray | undefined
}

/** The number of IEEE half precision bits. Exact. */
export function half(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size = exponent === 31 ? (fraction ? NaN : Infinity) : exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24
  return bits & 0x8000 ? -size : size
}

/** float32 numbers of half precision bits. */
export function halves(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = half(bits[i]!)
  return out
}

/** float32 numbers of bfloat16 bits, which are their upper halves. Exact. */
export function brains(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16
  return new Float32Array(words.buffer)
}

function narrowed(wide: ArrayLike<number | bigint>): Int32Array | undefined {
  const out = new Int32Array(wide.length)
  for (let i = 0; i < wide.length; i++) {
    const x = wide[i]!
    if (x < -2147483648 || x > 2147483647) return undefined
    out[i] = Number(x)
  }
  return out
}

const truths = (bytes: Uint8Array): Uint8Array | undefined => (bytes.every((b) => b < 2) ? bytes : undefined)

/** What is read. Small integers become int32; wide ones too where every number fits. */
export const readings: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ['F64', { bytes: 8, dtype: 'float64', read: (b) => new Float64Array(b) }],
  ['F32', { bytes: 4, dtype: 'float32', read: (b) => new Float32Array(b) }],
  ['F16', { bytes: 2, dtype: 'float32', read: (b) => halves(new Uint16Array(b)) }],
  ['BF16', { bytes: 2, dtype: 'float32', read: (b) => brains(new Uint16Array(b)) }],
  ['I64', { bytes: 8, dtype: 'int32', read: (b) => narrowed(new BigInt64Array(b)) }],
  ['U64', { bytes: 8, dtype: 'int32', read: (b) => narrowed(new BigUint64Array(b)) }],
  ['I32', { bytes: 4, dtype: 'int32', read: (b) => new Int32Array(b) }],
  ['U32', { bytes: 4, dtype: 'int32', read: (b) => narrowed(new Uint32Array(b)) }],
  ['I16', { bytes: 2, dtype: 'int32', read: (b) => Int32Array.from(new Int16Array(b)) }],
  ['U16', { bytes: 2, dtype: 'int32', read: (b) => Int32Array.from(new Uint16Array(b)) }],
  ['I8', { bytes: 1, dtype: 'int32', read: (b) => Int32Array.from(new Int8Array(b)) }],
  ['U8', { bytes: 1, dtype: 'int32', read: (b) => Int32Array.from(new Uint8Array(b)) }],
  ['BOOL', { bytes: 1, dtype: 'bool', read: (b) => truths(new Uint8Array(b)) }],
])
