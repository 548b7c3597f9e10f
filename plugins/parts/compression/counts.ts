import { RunError } from 'ockham'
import type { BitReader, BitWriter } from './bits.js'

/** binom(n, k), exact. */
export function binomial(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n
  let value = 1n
  const few = Math.min(k, n - k)
  for (let i = 1; i <= few; i++) value = (value * BigInt(n - few + i)) / BigInt(i)
  return value
}

/** Bits of the largest of `count` numbers from 0. */
const widthOf = (count: bigint): number => (count <= 1n ? 0 : (count - 1n).toString(2).length)

/** ⌈log₂ binom(d + L − 1, L − 1)⌉: bits that say which counts, of all L counts with sum d. */
export const countBits = (dim: number, levels: number): number => widthOf(binomial(dim + levels - 1, levels - 1))

/** Counts as one number: their rank among all counts with the same sum, by the places of L − 1 bars among d + L − 1. */
export function writeCounts(out: BitWriter, counts: ArrayLike<number>): void {
  const levels = counts.length
  let dim = 0
  for (let s = 0; s < levels; s++) dim += counts[s]!
  let rank = 0n
  let bar = -1
  for (let s = 0; s < levels - 1; s++) {
    bar += counts[s]! + 1
    rank += binomial(bar, s + 1)
  }
  out.number(rank, countBits(dim, levels))
}

/** The inverse of {@link writeCounts}. Throws `OCK-CODE-003` for a rank that no counts have. */
export function readCounts(from: BitReader, dim: number, levels: number): Int32Array {
  let rank = from.big(countBits(dim, levels))
  if (rank >= binomial(dim + levels - 1, levels - 1))
    throw new RunError({
      code: 'OCK-CODE-003',
      what: 'the message holds counts that cannot be',
      remedy: 'it is damaged, or of another spec',
    })
  const bars = new Int32Array(levels - 1)
  for (let k = levels - 1, most = dim + levels - 2; k >= 1; k--) {
    // The largest place whose binomial does not exceed what is left.
    let [low, high] = [k - 1, most]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (binomial(middle, k) <= rank) low = middle
      else high = middle - 1
    }
    rank -= binomial(low, k)
    bars[k - 1] = low
    most = low - 1
  }
  const counts = new Int32Array(levels)
  for (let s = 0, before = -1; s < levels; s++) {
    const bar = s < levels - 1 ? bars[s]! : dim + levels - 1
    counts[s] = bar - before - 1
    before = bar
  }
  return counts
}
