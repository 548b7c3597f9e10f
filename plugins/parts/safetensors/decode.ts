import { InputError, type Fault, type Value, type Values } from 'ockham'
import { memorySource, type ByteSource } from './source.js'
import { readings, type Reading } from './types.js'

/** What a file holds. */
export interface Decoded {
  readonly values: Values
  readonly metadata: Readonly<Record<string, string>>
}

/** A file of named arrays whose header has been read and checked; arrays are read when asked for. */
export interface SafetensorsFile {
  readonly shapes: ReadonlyMap<string, readonly number[]>
  readonly metadata: Readonly<Record<string, string>>
  /** A copy of one array. Throws `OCK-SAFETENSORS-011` for numbers that fit no dtype, `-014` for a name that the file lacks. */
  load(name: string): Value
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
function headerOf(source: ByteSource): { header: Record<string, unknown>; start: number } {
  if (source.size < 8) throw new InputError(fault(2, `the file has ${source.size} bytes; its header's length alone takes 8`))
  const declared = new DataView(source.read(0, 8).buffer).getBigUint64(0, true)
  if (declared > longestHeader || declared > source.size - 8)
    throw new InputError(fault(3, `a header of ${declared} bytes is declared, and ${source.size - 8} bytes follow`))
  const start = 8 + Number(declared)
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(source.read(8, start - 8)))
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

function valueOf({ name, shape, reading, begin, end }: Entry, source: ByteSource, start: number): Value {
  const data = reading.read(source.read(start + begin, end - begin).buffer)
  if (data) return { shape, dtype: reading.dtype, data }
  throw new InputError(
    fault(11, `a number does not fit ${reading.dtype}`, `data of ${quoted(name)}`, 'store the array as I32, F64 or BOOL'),
  )
}

/**
 * Opens a safetensors file: reads and checks its header. F16 and BF16 become float32 exactly; integers become int32, and are
 * refused where one does not fit. Memory stays within a small multiple of what is loaded, whatever the file declares.
 * Throws InputError `OCK-SAFETENSORS-002` … `-010`, every fault of the header at once.
 */
export function openSafetensors(source: ByteSource): SafetensorsFile {
  const { header, start } = headerOf(source)
  const size = source.size - start
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
  const named = new Map(entries.map((entry) => [entry.name, entry]))
  return {
    shapes: new Map(entries.map(({ name, shape }) => [name, shape])),
    metadata: notes as Readonly<Record<string, string>>,
    load(name) {
      const entry = named.get(name)
      if (!entry) throw new InputError(fault(14, `the file holds no ${quoted(name)}`, 'header', 'ask for a name that it holds'))
      return valueOf(entry, source, start)
    },
  }
}

/** All arrays and meta-data of a safetensors file; the arrays are copies. Throws as {@link openSafetensors} and its `load`. */
export function decode(bytes: Uint8Array): Decoded {
  const { shapes, metadata, load } = openSafetensors(memorySource(bytes))
  return { values: Object.fromEntries([...shapes.keys()].map((name) => [name, load(name)])), metadata }
}
