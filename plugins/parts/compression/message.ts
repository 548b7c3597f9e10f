import { RunError } from 'ockham'
import { BitReader, BitWriter } from './bits.js'
import { countsOf, decodeSymbols, encodeSymbols, idealBits } from './coder.js'
import { countBits, readCounts, writeCounts } from './counts.js'
import { fromHalf, toHalf } from './half.js'

/** Bits of a level: a half. */
const levelBits = 16

/** How many numbers and levels there are: the decoder knows it from the spec. */
export interface Layout {
  readonly dim: number
  readonly levels: number
  /** Numbers sent as they are, each a half: running statistics. */
  readonly plain: number
}

/** What is sent: symbols, the levels that they stand for, and numbers as they are. */
export interface Content {
  readonly symbols: ArrayLike<number>
  readonly codebook: ArrayLike<number>
  readonly plain: ArrayLike<number>
}

export interface Written {
  readonly bytes: Uint8Array
  readonly bits: number
  /** Bits by part: as written, and as published code counts (counts at L log₂ d, symbols at ⌈d H⌉ + 1). */
  readonly lengths: { readonly corrected: Readonly<Record<string, number>>; readonly reference: Readonly<Record<string, number>> }
}

/** Bits by part as Lotfi et al. count them: ⌈d H⌉ + 1 + 16 L + ⌈L log₂ d⌉. */
export const referenceLengths = (counts: ArrayLike<number>, dim: number): { symbols: number; codebook: number; counts: number } => ({
  symbols: Math.ceil(idealBits(counts)) + 1,
  codebook: levelBits * counts.length,
  counts: Math.ceil(counts.length * Math.log2(Math.max(2, dim))),
})

/** Levels as halves, then plain numbers as halves, the counts as one number, and the symbols' arithmetic code. */
export function writeMessage({ symbols, codebook, plain }: Content): Written {
  const counts = countsOf(symbols, codebook.length)
  const out = new BitWriter()
  for (let k = 0; k < codebook.length; k++) out.number(toHalf(codebook[k]!), levelBits)
  for (let i = 0; i < plain.length; i++) out.number(toHalf(plain[i]!), levelBits)
  writeCounts(out, counts)
  const code = encodeSymbols(symbols, counts)
  for (let i = 0; i < code.bits; i++) out.bit((code.bytes[i >> 3]! >> (7 - (i & 7))) & 1)
  const state = plain.length > 0 ? { state: levelBits * plain.length } : {}
  return {
    bytes: out.bytes(),
    bits: out.length,
    lengths: {
      corrected: {
        symbols: code.bits,
        codebook: levelBits * codebook.length,
        counts: countBits(symbols.length, codebook.length),
        ...state,
      },
      reference: { ...referenceLengths(counts, symbols.length), ...state },
    },
  }
}

/** The inverse of {@link writeMessage}. Throws `OCK-CODE-001`, `-003`, and `-004` for bytes that no content has. */
export function readMessage(bytes: Uint8Array, { dim, levels, plain }: Layout): Content & Written {
  const reader = new BitReader(bytes)
  const halves = (count: number): Float64Array => Float64Array.from({ length: count }, () => fromHalf(reader.number(levelBits)))
  const codebook = halves(levels)
  const state = halves(plain)
  const counts = readCounts(reader, dim, levels)
  const content = { codebook, plain: state, symbols: decodeSymbols(bytes, dim, counts, reader.position) }
  const again = writeMessage(content)
  // A message says one thing in one way: what does not give the same bytes again was not written by this code for this spec.
  if (again.bytes.length === bytes.length && again.bytes.every((b, i) => b === bytes[i])) return { ...content, ...again }
  throw new RunError({
    code: 'OCK-CODE-004',
    what: 'the message is none of a model of this spec',
    remedy: 'it is damaged, or belongs to another spec: give the spec.yaml of the run that wrote it',
  })
}

/** Levels as the decoder will have them. */
export const asHalves = (codebook: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: codebook.length }, (_, k) => fromHalf(toHalf(codebook[k]!)))
