import { InputError, type Fault } from 'ockham'
import type { ByteSource } from '../safetensors/index.js'
import { blocks, typeNames } from './blocks.js'

/** A metadata value: numbers of 64 bits are numbers where exact, else bigints. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[]

export interface GgufTensor {
  readonly name: string
  /** Slowest axis first, as everywhere here; the file lists the fastest first. */
  readonly shape: readonly number[]
  /** Number of the element type in the format. */
  readonly type: number
  /** First byte in the file, and how many. */
  readonly at: number
  readonly bytes: number
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

export const fault = (code: number, what: string, where?: string, remedy = 'the file is damaged or not GGUF; get it again'): Fault => ({
  code: `OCK-GGUF-${String(code).padStart(3, '0')}`,
  what,
  remedy,
  ...(where === undefined ? {} : { where }),
})

export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** Bytes of an element of each metadata type; 8 is a string, 9 a list. */
const sizes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 10: 8, 11: 8, 12: 8, 9: 12 }

/** Lists in lists deeper than any file has. */
const deepest = 4

/** Reads the header from a source piece by piece. Every length is checked against what is left before anything is made. */
class Cursor {
  at = 0
  readonly #source: ByteSource
  #piece = new Uint8Array(0)
  #view = new DataView(new ArrayBuffer(0))
  #from = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  get left(): number {
    return this.#source.size - this.at
  }

  /** A view of the next `n` bytes, from offset `#at(n)`; moves on. */
  #take(n: number, what: string): number {
    if (n > this.left)
      throw new InputError(fault(2, `${what} needs ${n} bytes where ${this.left} are left: the file is cut short`, `byte ${this.at}`))
    if (this.at < this.#from || this.at + n > this.#from + this.#piece.length) {
      const length = Math.min(this.left, Math.max(n, 1 << 18))
      this.#piece = this.#source.read(this.at, length)
      this.#view = new DataView(this.#piece.buffer)
      this.#from = this.at
    }
    const offset = this.at - this.#from
    this.at += n
    return offset
  }

  u32(what: string): number {
    const o = this.#take(4, what)
    return this.#view.getUint32(o, true)
  }

  /** A count or an offset, which a file of this size cannot exceed. */
  count(what: string, least = 1): number {
    const where = `byte ${this.at}`
    const o = this.#take(8, what)
    const n = this.#view.getBigUint64(o, true)
    if (n > BigInt(Math.floor(this.left / least)))
      throw new InputError(fault(3, `${what} is declared as ${n}, more than the ${this.left} bytes that are left can hold`, where))
    return Number(n)
  }

  u64(what: string): bigint {
    const o = this.#take(8, what)
    return this.#view.getBigUint64(o, true)
  }

  text(what: string): string {
    const length = this.count(`the length of ${what}`)
    const o = this.#take(length, what)
    // Tokens may be pieces of characters in damaged files; names and tokens are UTF-8 in sound ones.
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#piece.subarray(o, o + length))
  }

  scalar(type: number, what: string): GgufValue {
    if (type === 8) return this.text(what)
    const size = sizes[type]
    if (size === undefined) throw new InputError(fault(4, `metadata type ${type} is not known`, what))
    const o = this.#take(size, what)
    const v = this.#view
    switch (type) {
      case 0:
        return v.getUint8(o)
      case 1:
        return v.getInt8(o)
      case 2:
        return v.getUint16(o, true)
      case 3:
        return v.getInt16(o, true)
      case 4:
        return v.getUint32(o, true)
      case 5:
        return v.getInt32(o, true)
      case 6:
        return v.getFloat32(o, true)
      case 7:
        return v.getUint8(o) !== 0
      case 12:
        return v.getFloat64(o, true)
      default: {
        const wide = type === 10 ? v.getBigUint64(o, true) : v.getBigInt64(o, true)
        const near = Number(wide)
        return Number.isSafeInteger(near) ? near : wide
      }
    }
  }

  value(type: number, what: string, depth = 0): GgufValue {
    if (type !== 9) return this.scalar(type, what)
    if (depth >= deepest) throw new InputError(fault(5, `lists in lists deeper than ${deepest}`, what))
    const element = this.u32(what)
    const size = sizes[element]
    if (size === undefined) throw new InputError(fault(4, `metadata type ${element} is not known`, what))
    const length = this.count(`the length of ${what}`, size)
    const items: GgufValue[] = []
    for (let i = 0; i < length; i++) items.push(this.value(element, what, depth + 1))
    return items
  }
}

function tensorOf(cursor: Cursor, file: (f: Fault) => void): Omit<GgufTensor, 'at'> & { readonly offset: bigint } {
  const name = cursor.text('a tensor’s name')
  const where = `tensor ${quoted(name)}`
  const rank = cursor.u32(where)
  if (rank > 8) throw new InputError(fault(6, `${rank} dimensions`, where))
  const axes = Array.from({ length: rank }, () => cursor.u64(where))
  const type = cursor.u32(where)
  const offset = cursor.u64(where)
  const elements = axes.reduce((n, d) => n * d, 1n)
  const block = blocks.get(type)
  const none = { name, shape: [], type, bytes: 0, offset }
  if (!block) {
    const known = [...blocks.values()].map((b) => b.name).join(', ')
    file(fault(7, `element type ${typeNames[type] ?? type} is not read`, where, `convert the file to one of ${known}`))
    return none
  }
  if (elements > BigInt(Number.MAX_SAFE_INTEGER) || Number((axes[0] ?? 1n) % BigInt(block.size)) !== 0) {
    file(fault(6, `shape [${axes.join(', ')}] is not in blocks of ${block.size} along the first axis`, where))
    return none
  }
  return { name, shape: axes.map(Number).reverse(), type, bytes: (Number(elements) / block.size) * block.bytes, offset }
}

/**
 * The header of a GGUF file, version 3 (or 2, whose layout is the same). What is allocated is bounded by the file's own size.
 * Throws InputError `OCK-GGUF-001` … `-009`; all faulty tensors at once.
 */
export function readHeader(source: ByteSource): GgufHeader {
  const cursor = new Cursor(source)
  if (source.size < 24 || cursor.u32('the magic') !== 0x46554747) throw new InputError(fault(1, 'the file does not begin with GGUF'))
  const version = cursor.u32('the version')
  if (version !== 3 && version !== 2)
    throw new InputError(fault(1, `version ${version} is not read`, undefined, 'convert the file to version 3'))
  // A tensor's entry takes at least 24 bytes, a metadata entry at least 13.
  const tensorCount = cursor.count('the number of tensors', 24)
  const entryCount = cursor.count('the number of metadata entries', 13)
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < entryCount; i++) {
    const key = cursor.text('a metadata key')
    if (metadata.has(key)) throw new InputError(fault(8, 'the key is there twice', `metadata ${quoted(key)}`))
    metadata.set(key, cursor.value(cursor.u32(key), `metadata ${quoted(key)}`))
  }
  const faults: Fault[] = []
  const found = Array.from({ length: tensorCount }, () => tensorOf(cursor, (f) => void faults.push(f)))
  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1 || alignment > 1 << 20)
    throw new InputError(fault(9, 'the alignment is no number of bytes', 'metadata "general.alignment"'))
  const start = Math.ceil(cursor.at / alignment) * alignment
  const tensors = new Map<string, GgufTensor>()
  for (const { offset, ...tensor } of found) {
    const where = `tensor ${quoted(tensor.name)}`
    const end = BigInt(start) + offset + BigInt(tensor.bytes)
    if (tensors.has(tensor.name)) faults.push(fault(8, 'the name is there twice', where))
    else if (end > BigInt(source.size)) faults.push(fault(2, `its data end at byte ${end} of ${source.size}: the file is cut short`, where))
    tensors.set(tensor.name, { ...tensor, at: start + Number(offset) })
  }
  if (faults.length > 0) throw new InputError(faults)
  return { metadata, tensors }
}
