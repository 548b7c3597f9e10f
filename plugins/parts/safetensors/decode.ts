import { InputError, type Fault, type Value, type Values } from 'ockham'
import { readings, type Reading } from './types.js'

/** What a file holds. */
export interface Decoded {
  readonly values: Values
  readonly metadata: Readonly<Record<string, string>>
}

/** The format's own limit; a longer header is hostile. */
const longestHeader = 100_000_000

const fault = (code: number, what: string, where?: string, remedy = 'the file is damaged or not safetensors; get it again'): Fault => ({
  code: `OCK-SAFETENSORS-${String(code).padStart(3, '0')}`,
  what,
  remedy,
  ...(where === undefined ? {} : { where }),
})

/** A name of the file in a message: quoted, so that nothing in it acts, and no longer than needed. */
const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v)

const areSizes = (v: unknown): v is number[] => Array.isArray(v) && v.every((d) => Number.isSafeInteger(d) && d >= 0)

/** The header's JSON and where the data begin. Throws `OCK-SAFETENSORS-002`, `-003`, `-004`. */
function headerOf(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw new InputError(fault(2, `the file has ${bytes.length} bytes; its header's length alone takes 8`))
  const declared = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  if (declared > longestHeader || declared > bytes.length - 8)
    throw new InputError(fault(3, `a header of ${declared} bytes is declared, and ${bytes.length - 8} bytes follow`))
  const start = 8 + Number(declared)
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start)))
  } catch (cause) {
    throw new InputError(fault(4, 'the header is not JSON in UTF-8'), { cause })
  }
  if (!isRecord(header)) throw new InputError(fault(4, 'the header is not a JSON object'))
  return { header, start }
}

interface Entry {
  readonly name: string
  readonly shape: readonly number[]
  readonly reading: Reading
  readonly begin: number
  readonly end: number
}

/** Reads one array's description, or files what is wrong with it. `size` is the number of data bytes. */
function entryOf(name: string, given: unknown, size: number, file: (f: Fault) => void): Entry | undefined {
  const where = `header, ${quoted(name)}`
  if (!isRecord(given)) return void file(fault(5, 'the entry is not an object', where))
  const { dtype, shape, data_offsets: offsets } = given
  const reading = typeof dtype === 'string' ? readings.get(dtype) : undefined
  if (!reading) {
    const shown = typeof dtype === 'string' ? quoted(dtype) : typeof dtype
    return void file(fault(6, `element type ${shown} is not read`, where, `convert the file to one of ${[...readings.keys()].join(', ')}`))
  }
  if (!areSizes(shape)) return void file(fault(5, 'shape is not a list of whole numbers', where))
  if (!areSizes(offsets) || offsets.length !== 2) return void file(fault(5, 'data_offsets is not a pair of whole numbers', where))
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > size) return void file(fault(7, `bytes ${begin} to ${end} are not in the file's ${size} data bytes`, where))
  const wanted = shape.reduce((n, d) => n * d, reading.bytes)
  if (wanted !== end - begin) return void file(fault(8, `shape and type need ${wanted} bytes; ${end - begin} are given`, where))
  return { name, shape, reading, begin, end }
}

/** Arrays must follow one another without gap or overlap up to the last byte. */
function checkLayout(entries: readonly Entry[], size: number, file: (f: Fault) => void): void {
  let at = 0
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) file(fault(9, `data begin at byte ${begin} where ${at} is due: a gap or an overlap`, `header, ${quoted(name)}`))
    at = end
  }
  if (at !== size) file(fault(9, `${size - at} bytes after the last array belong to none`))
}

function valueOf({ name, shape, reading, begin, end }: Entry, bytes: Uint8Array, start: number): Value {
  // A copy, because arrays may lie unaligned and the caller may go on to use the bytes.
  const own = new Uint8Array(end - begin)
  own.set(bytes.subarray(start + begin, start + end))
  const data = reading.read(own.buffer)
  if (data) return { shape, dtype: reading.dtype, data }
  throw new InputError(
    fault(11, `a number does not fit ${reading.dtype}`, `data of ${quoted(name)}`, 'store the array as I32, F64 or BOOL'),
  )
}

/**
 * The arrays and meta-data of a safetensors file. F16 and BF16 become float32 exactly; integers become int32, and are
 * refused where one does not fit. The arrays are copies. Memory stays within a small multiple of the file, whatever it declares.
 * Throws InputError `OCK-SAFETENSORS-002` … `-011`, every fault of the header at once.
 */
export function decode(bytes: Uint8Array): Decoded {
  const { header, start } = headerOf(bytes)
  const size = bytes.length - start
  const faults: Fault[] = []
  const file = (f: Fault) => void faults.push(f)
  const notes = Object.hasOwn(header, '__metadata__') ? header['__metadata__'] : {}
  if (!isRecord(notes) || !Object.values(notes).every((v) => typeof v === 'string'))
    file(fault(10, '__metadata__ is not a record of strings', 'header'))
  const entries = Object.entries(header).flatMap(([name, given]) =>
    name === '__metadata__' ? [] : (entryOf(name, given, size, file) ?? []),
  )
  if (faults.length === 0) checkLayout(entries, size, file)
  if (faults.length > 0) throw new InputError(faults)
  return {
    values: Object.fromEntries(entries.map((entry) => [entry.name, valueOf(entry, bytes, start)])),
    metadata: notes as Readonly<Record<string, string>>,
  }
}
