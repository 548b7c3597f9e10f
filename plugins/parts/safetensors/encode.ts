import { InputError, type Dtype, type Fault, type Value, type Values } from 'ockham'
import { bytesOf, typeOf } from './types.js'

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)

/** Wider elements first, so that every array starts at a multiple of its element size; then by name. */
const byPlace = (a: [string, Value], b: [string, Value]): number => bytesOf[b[1].dtype] - bytesOf[a[1].dtype] || byName(a, b)

const dtypeOf = (data: unknown): Dtype | undefined =>
  data instanceof Float32Array
    ? 'float32'
    : data instanceof Float64Array
      ? 'float64'
      : data instanceof Int32Array
        ? 'int32'
        : data instanceof Uint8Array
          ? 'bool'
          : undefined

function faultsOf([name, { shape, dtype, data }]: [string, Value]): Fault[] {
  const where = `values.${name}`
  const faults: Fault[] = []
  if (name === '__metadata__')
    faults.push({ code: 'OCK-SAFETENSORS-001', what: 'the name __metadata__ is taken by the format', where, remedy: 'rename the value' })
  if (dtypeOf(data) !== dtype) faults.push({ code: 'OCK-SAFETENSORS-001', what: `the array given does not hold ${dtype}`, where })
  const size = shape.reduce((n, d) => n * d, 1)
  if (size !== data.length || shape.some((d) => !Number.isSafeInteger(d) || d < 0))
    faults.push({ code: 'OCK-SAFETENSORS-001', what: `shape [${shape.join(', ')}] does not fit ${data.length} elements`, where })
  return faults
}

/**
 * The safetensors file of named arrays and string meta-data. Equal content gives equal bytes, whatever the order of the
 * names. The header is padded with spaces to a multiple of 8 bytes. Throws `OCK-SAFETENSORS-001` for values that are not well formed.
 */
export function encode(values: Values, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const entries = Object.entries(values).sort(byPlace)
  const faults = entries.flatMap(faultsOf)
  if (faults.length > 0) throw new InputError(faults)
  const header: [string, unknown][] = []
  const notes = Object.entries(metadata).sort(byName)
  if (notes.length > 0) header.push(['__metadata__', Object.fromEntries(notes)])
  let end = 0
  for (const [name, { shape, dtype, data }] of entries)
    header.push([name, { dtype: typeOf[dtype], shape, data_offsets: [end, (end += data.byteLength)] }])
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  const start = 8 + Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(start + end).fill(0x20, 8, start)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true)
  bytes.set(json, 8)
  let at = start
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return bytes
}
