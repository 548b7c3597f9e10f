import { RunError } from 'ockham'

/** Width of the coder's state, bits: products with counts below 2^21 are exact in a double. */
const top = 2 ** 32
const half = 2 ** 31
const quarter = 2 ** 30
const largestTotal = 2 ** 20

/** What was coded. */
export interface Coded {
  readonly bytes: Uint8Array
  /** Bits that count; the last byte is filled up with zeros. */
  readonly bits: number
}

/** Counts as the coder uses them: those of long messages are scaled down, the same way on both sides, none of a symbol that occurs to zero. */
function frequencies(counts: ArrayLike<number>): { readonly below: Float64Array; readonly total: number } {
  let sum = 0
  for (let s = 0; s < counts.length; s++) sum += counts[s]!
  const scale = sum > largestTotal ? (largestTotal - counts.length) / sum : 1
  const below = new Float64Array(counts.length + 1)
  for (let s = 0; s < counts.length; s++) {
    const frequency = scale === 1 ? counts[s]! : counts[s]! > 0 ? Math.max(1, Math.floor(counts[s]! * scale)) : 0
    below[s + 1] = below[s]! + frequency
  }
  return { below, total: below[counts.length]! }
}

/**
 * Arithmetic code of symbols under their own counts (Witten, Neal, Cleary 1987): integers only, so that it decodes everywhere to what was
 * coded, and carries are settled before a bit is written. The code is prefix-free given the counts, and at most two bits longer than
 * −Σ log₂ count/total. Throws `OCK-CODE-002` for a symbol whose count is zero.
 */
export function encodeSymbols(symbols: ArrayLike<number>, counts: ArrayLike<number>): Coded {
  const { below, total } = frequencies(counts)
  let bytes = new Uint8Array(64 + (symbols.length >> 1))
  let at = 0
  let byte = 0
  let free = 8
  let low = 0
  let high = top - 1
  let pending = 0
  const put = (bit: number): void => {
    byte = (byte << 1) | bit
    if (--free > 0) return
    if (at === bytes.length) {
      const more = new Uint8Array(2 * bytes.length)
      more.set(bytes)
      bytes = more
    }
    bytes[at++] = byte
    byte = 0
    free = 8
  }
  const settle = (bit: number): void => {
    put(bit)
    for (; pending > 0; pending--) put(1 - bit)
  }
  for (let i = 0; i < symbols.length; i++) {
    const s = symbols[i]!
    const [from, to] = [below[s]!, below[s + 1]!]
    if (!(to > from)) throw notCounted(s, i)
    const range = high - low + 1
    if (to < total) high = low + Math.floor((range * to) / total) - 1
    if (from > 0) low += Math.floor((range * from) / total)
    for (;;) {
      if (high < half) settle(0)
      else if (low >= half) {
        settle(1)
        low -= half
        high -= half
      } else if (low >= quarter && high < half + quarter) {
        pending++
        low -= quarter
        high -= quarter
      } else break
      low *= 2
      high = 2 * high + 1
    }
  }
  // The shortest string of which every continuation lies inside the interval that is left: none, one or two bits beside those pending.
  if (pending > 0 || low > 0 || high < top - 1) {
    if (low === 0) settle(0)
    else if (high === top - 1) settle(1)
    else {
      pending++
      settle(low < quarter ? 0 : 1)
    }
  }
  const bits = 8 * at + (8 - free)
  const all = new Uint8Array(Math.ceil(bits / 8))
  all.set(bytes.subarray(0, at))
  if (free < 8) all[at] = byte << free
  return { bytes: all, bits }
}

/** The first `length` symbols of what {@link encodeSymbols} wrote from bit `start` on, with the same counts; and where the code ends. */
export function decodeSymbols(bytes: Uint8Array, length: number, counts: ArrayLike<number>, start = 0): Int32Array {
  const { below, total } = frequencies(counts)
  const symbols = new Int32Array(length)
  let at = start
  // Beyond the end any bits do: every continuation of the code decodes to the same.
  const next = (): number => {
    const bit = ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1
    at++
    return bit
  }
  let value = 0
  for (let i = 0; i < 32; i++) value = 2 * value + next()
  let low = 0
  let high = top - 1
  for (let i = 0; i < length; i++) {
    const range = high - low + 1
    const scaled = Math.floor(((value - low + 1) * total - 1) / range)
    let s = 0
    while (below[s + 1]! <= scaled) s++
    symbols[i] = s
    const [from, to] = [below[s]!, below[s + 1]!]
    if (to < total) high = low + Math.floor((range * to) / total) - 1
    if (from > 0) low += Math.floor((range * from) / total)
    for (;;) {
      if (high < half) {
        // Nothing to take away.
      } else if (low >= half) {
        value -= half
        low -= half
        high -= half
      } else if (low >= quarter && high < half + quarter) {
        value -= quarter
        low -= quarter
        high -= quarter
      } else break
      low *= 2
      high = 2 * high + 1
      value = 2 * value + next()
    }
  }
  return symbols
}

/** How often each of `levels` symbols occurs. */
export function countsOf(symbols: ArrayLike<number>, levels: number): Int32Array {
  const counts = new Int32Array(levels)
  for (let i = 0; i < symbols.length; i++) counts[symbols[i]!]!++
  return counts
}

/** −Σ count log₂(count / total), bits: what an ideal code of symbols under their own counts takes. */
export function idealBits(counts: ArrayLike<number>): number {
  let total = 0
  for (let s = 0; s < counts.length; s++) total += counts[s]!
  let bits = 0
  for (let s = 0; s < counts.length; s++) if (counts[s]! > 0) bits -= counts[s]! * Math.log2(counts[s]! / total)
  return bits
}

const notCounted = (symbol: number, at: number): RunError =>
  new RunError({ code: 'OCK-CODE-002', what: `the symbol ${symbol} is not among those counted`, where: `symbol ${at}` })
