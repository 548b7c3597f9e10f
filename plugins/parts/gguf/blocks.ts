import { brains, half, halves } from '../safetensors/index.js'

/**
 * How one element type lies in a file: elements and bytes a block, and what the bytes stand for.
 * The layouts are those of the GGML library's quantised types.
 */
export interface Block {
  readonly name: string
  /** Elements a block. */
  readonly size: number
  readonly bytes: number
  /** De-quantises whole blocks from the beginning of `from` into `to`. */
  read(from: Uint8Array<ArrayBuffer>, to: Float32Array): void
}

/** Names of element types by number, so that an error can say which is not read. */
export const typeNames: Readonly<Record<number, string>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  30: 'BF16',
}

const halfAt = (b: Uint8Array, at: number): number => half(b[at]! | (b[at + 1]! << 8))

/** A block of 32 elements in nibbles: the low ones are elements 0 to 15. `fifth` bits, if any, come before the nibbles. */
function nibbles(name: string, offset: boolean, fifth: boolean): Block {
  const scales = offset ? 4 : 2
  const start = scales + (fifth ? 4 : 0)
  const bytes = start + 16
  // Without an offset of its own, a block is centred.
  const centre = offset ? 0 : fifth ? 16 : 8
  return {
    name,
    size: 32,
    bytes,
    read(from, to) {
      for (let block = 0, at = 0; at < to.length; block++, at += 32) {
        const o = block * bytes
        const d = halfAt(from, o)
        const m = offset ? halfAt(from, o + 2) : 0
        const high = fifth
          ? from[o + scales]! | (from[o + scales + 1]! << 8) | (from[o + scales + 2]! << 16) | (from[o + scales + 3]! << 24)
          : 0
        for (let i = 0; i < 16; i++) {
          const q = from[o + start + i]!
          to[at + i] = d * ((q & 15) + (((high >>> i) & 1) << 4) - centre) + m
          to[at + 16 + i] = d * ((q >> 4) + (((high >>> (i + 16)) & 1) << 4) - centre) + m
        }
      }
    },
  }
}

const eight: Block = {
  name: 'Q8_0',
  size: 32,
  bytes: 34,
  read(from, to) {
    for (let block = 0, at = 0; at < to.length; block++, at += 32) {
      const o = block * 34
      const d = halfAt(from, o)
      for (let i = 0; i < 32; i++) to[at + i] = d * ((from[o + 2 + i]! << 24) >> 24)
    }
  },
}

/** Eight scales and eight offsets of 6 bits in 12 bytes from `o`: those of group `j`. */
function six(from: Uint8Array, o: number, j: number): readonly [scale: number, offset: number] {
  if (j < 4) return [from[o + j]! & 63, from[o + j + 4]! & 63]
  return [(from[o + j + 4]! & 15) | ((from[o + j - 4]! >> 6) << 4), (from[o + j + 4]! >> 4) | ((from[o + j]! >> 6) << 4)]
}

const fourK: Block = {
  name: 'Q4_K',
  size: 256,
  bytes: 144,
  read(from, to) {
    for (let block = 0, at = 0; at < to.length; block++, at += 256) {
      const o = block * 144
      const d = halfAt(from, o)
      const m = halfAt(from, o + 2)
      for (let group = 0; group < 8; group++) {
        const [scale, offset] = six(from, o + 4, group)
        // Two groups share 32 bytes: the even one has the low nibbles.
        const q = o + 16 + (group >> 1) * 32
        const shift = group & 1 ? 4 : 0
        for (let i = 0; i < 32; i++) to[at + group * 32 + i] = d * scale * ((from[q + i]! >> shift) & 15) - m * offset
      }
    }
  },
}

const sixK: Block = {
  name: 'Q6_K',
  size: 256,
  bytes: 210,
  read(from, to) {
    for (let block = 0, at = 0; at < to.length; block++, at += 256) {
      const o = block * 210
      const d = halfAt(from, o + 208)
      for (let i = 0; i < 256; i++) {
        // In each half of 128: quarters 0 and 1 are low nibbles, 2 and 3 high ones of the same 64 bytes.
        const side = i >> 7
        const quarter = (i >> 5) & 3
        const lane = i & 31
        const low = from[o + side * 64 + (quarter & 1) * 32 + lane]!
        const high = from[o + 128 + side * 32 + lane]!
        const q = ((quarter < 2 ? low & 15 : low >> 4) | (((high >> (2 * quarter)) & 3) << 4)) - 32
        const scale = (from[o + 192 + (i >> 4)]! << 24) >> 24
        to[at + i] = d * scale * q
      }
    }
  },
}

const plain = (name: string, bytes: number, numbers: (b: ArrayBuffer) => Float32Array): Block => ({
  name,
  size: 1,
  bytes,
  read: (from, to) => to.set(numbers(from.buffer)),
})

/** What is read, by the number of the type. */
export const blocks: ReadonlyMap<number, Block> = new Map([
  [0, plain('F32', 4, (b) => new Float32Array(b))],
  [1, plain('F16', 2, (b) => halves(new Uint16Array(b)))],
  [2, nibbles('Q4_0', false, false)],
  [3, nibbles('Q4_1', true, false)],
  [6, nibbles('Q5_0', false, true)],
  [7, nibbles('Q5_1', true, true)],
  [8, eight],
  [12, fourK],
  [14, sixK],
  [30, plain('BF16', 2, (b) => brains(new Uint16Array(b)))],
])
