import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'
import type { Value } from 'ockham'
import { readings, type Reading } from '../safetensors/types.js'
import type { TensorProto } from '../../services/onnxruntime/proto.js'
import { quoted, refusal } from './faults.js'

/** ONNX knows whole numbers of 64 bits, a Value of 32. Where they occur they are sizes and places, and the largest means `to the end`. */
function clamped(wide: BigInt64Array | BigUint64Array): Int32Array {
  const out = new Int32Array(wide.length)
  for (let i = 0; i < wide.length; i++) out[i] = Math.max(-2147483648, Math.min(2147483647, Number(wide[i]!)))
  return out
}

const wide = (read: (b: ArrayBuffer) => BigInt64Array | BigUint64Array): Reading => ({
  bytes: 8,
  dtype: 'int32',
  read: (b) => clamped(read(b)),
})

/** How the element types of ONNX are read, by number. */
const types: ReadonlyMap<number, Reading> = new Map([
  [1, readings.get('F32')!],
  [2, readings.get('U8')!],
  [3, readings.get('I8')!],
  [4, readings.get('U16')!],
  [5, readings.get('I16')!],
  [6, readings.get('I32')!],
  [7, wide((b) => new BigInt64Array(b))],
  [9, readings.get('BOOL')!],
  [10, readings.get('F16')!],
  [11, { bytes: 8, dtype: 'float32', read: (b) => Float32Array.from(new Float64Array(b)) } satisfies Reading],
  [12, readings.get('U32')!],
  [13, wide((b) => new BigUint64Array(b))],
  [16, readings.get('BF16')!],
])

/** Numbers that are not in `rawData`, as the bytes they would have there. */
function listed(tensor: TensorProto, { bytes }: Reading): Uint8Array {
  const type = tensor.dataType
  if (type === 1) return new Uint8Array(Float32Array.from(tensor.floatData ?? []).buffer)
  if (type === 11) return new Uint8Array(Float64Array.from(tensor.doubleData ?? []).buffer)
  if (type === 7) return new Uint8Array(BigInt64Array.from(tensor.int64Data ?? [], (n) => BigInt(Math.trunc(n))).buffer)
  const ints = tensor.int32Data ?? []
  if (bytes === 4) return new Uint8Array(Int32Array.from(ints).buffer)
  return new Uint8Array((bytes === 2 ? Uint16Array.from(ints) : Uint8Array.from(ints)).buffer)
}

const remedy = 'export the network again; the file is damaged or made to look so'

/** The part of a file beside the model that a tensor names. It must lie in the model's folder. */
function external(tensor: TensorProto, file: string, where: string): Uint8Array {
  const said = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value]))
  const location = said.get('location') ?? ''
  const folder = realpathSync(dirname(resolve(file)))
  let path: string
  try {
    path = realpathSync(resolve(folder, location))
  } catch {
    throw refusal(3, `the numbers are in a file ${quoted(location)}, which is not beside the model`, where, 'put that file beside it')
  }
  if (!path.startsWith(folder + sep) || !statSync(path).isFile())
    throw refusal(3, `the numbers are said to be in ${quoted(location)}, outside the model's folder`, where, remedy)
  const bytes = readFileSync(path)
  const offset = Number(said.get('offset') ?? 0)
  const length = Number(said.get('length') ?? bytes.length - offset)
  if (![offset, length].every((n) => Number.isSafeInteger(n) && n >= 0) || offset + length > bytes.length)
    throw refusal(3, `bytes ${offset} to ${offset + length} are not in ${quoted(location)}, which has ${bytes.length}`, where, remedy)
  return bytes.subarray(offset, offset + length)
}

/**
 * A tensor of a file as a Value: floats of any width become float32, whole numbers int32. The arrays are copies; what a file declares takes
 * no memory that its own bytes do not. Throws `OCK-ONNX-003`.
 */
export function valueOf(tensor: TensorProto, file: string): Value {
  const where = `${file}, tensor ${quoted(tensor.name ?? '')}`
  const reading = types.get(tensor.dataType)
  if (!reading) throw refusal(3, `element type number ${tensor.dataType} is not read`, where, 'store numbers as float32, int64 or bool')
  const shape = tensor.dims
  if (!shape.every((d) => Number.isSafeInteger(d) && d >= 0)) throw refusal(3, `the shape is [${shape}]`, where, remedy)
  const inside = tensor.rawData?.length ? tensor.rawData : listed(tensor, reading)
  const bytes = tensor.dataLocation === 1 ? external(tensor, file, where) : inside
  const wanted = shape.reduce((a, b) => a * b, reading.bytes)
  if (wanted !== bytes.length) throw refusal(3, `[${shape}] takes ${wanted} bytes, and ${bytes.length} are there`, where, remedy)
  const own = new Uint8Array(bytes)
  const data = reading.read(own.buffer)
  if (data) return { shape: [...shape], dtype: reading.dtype, data }
  throw refusal(3, `a number does not fit ${reading.dtype}`, where, 'store the tensor as int32, float32 or bool')
}
