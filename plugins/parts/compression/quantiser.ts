/** How the first codebook is found. */
export type Quantiser = 'uniform' | 'kmeans'

/** Symbols and the codebook that they point into, float64 [L], ascending. */
export interface Quantised {
  readonly symbols: Int32Array
  readonly codebook: Float64Array
}

/** The nearest level of each number, the lower of two that are equally near. */
export function assign(v: ArrayLike<number>, codebook: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: v.length }, (_, i) => {
    let best = 0
    for (let k = 1; k < codebook.length; k++) if (Math.abs(v[i]! - codebook[k]!) < Math.abs(v[i]! - codebook[best]!)) best = k
    return best
  })
}

/** L bins of equal width over [−M, M], M the largest size of a number; a level is the mean of its bin, an empty bin's is its left edge. */
export function uniformBins(v: ArrayLike<number>, levels: number): Quantised {
  let reach = 0
  for (let i = 0; i < v.length; i++) reach = Math.max(reach, Math.abs(v[i]!))
  reach += 1e-6
  const width = (2 * reach) / levels
  const symbols = Int32Array.from({ length: v.length }, (_, i) => Math.min(levels - 1, Math.max(0, Math.floor((v[i]! + reach) / width))))
  const sums = new Float64Array(levels)
  const counts = new Int32Array(levels)
  symbols.forEach((s, i) => {
    sums[s]! += v[i]!
    counts[s]!++
  })
  return { symbols, codebook: sums.map((sum, s) => (counts[s]! > 0 ? sum / counts[s]! : -reach + s * width)) }
}

/**
 * The L levels with the least sum of squared distances, exactly: dynamic programming over the sorted numbers, where the best last cut moves
 * one way (Wang and Song 2011). Fewer distinct numbers than levels leave the last levels at the largest number.
 */
export function kMeans(v: ArrayLike<number>, levels: number): Quantised {
  const sorted = Float64Array.from(v).sort()
  const n = sorted.length
  const sum = new Float64Array(n + 1)
  const squares = new Float64Array(n + 1)
  // Centred, so that squares keep their digits.
  const middle = sorted.reduce((a, b) => a + b, 0) / n
  for (let i = 0; i < n; i++) {
    const x = sorted[i]! - middle
    sum[i + 1] = sum[i]! + x
    squares[i + 1] = squares[i]! + x * x
  }
  const cost = (from: number, to: number): number => {
    const s = sum[to]! - sum[from]!
    return Math.max(0, squares[to]! - squares[from]! - (s * s) / (to - from))
  }
  const used = Math.min(levels, n)
  let before = Float64Array.from({ length: n + 1 }, (_, i) => (i === 0 ? 0 : cost(0, i)))
  const cuts: Int32Array[] = []
  for (let k = 2; k <= used; k++) {
    const now = new Float64Array(n + 1)
    const cut = new Int32Array(n + 1)
    const previous = before
    const fill = (low: number, high: number, least: number, most: number): void => {
      if (low > high) return
      const i = (low + high) >> 1
      let best = Infinity
      for (let j = Math.max(k - 1, least); j <= Math.min(i - 1, most); j++) {
        const total = previous[j]! + cost(j, i)
        if (total < best) [best, cut[i]] = [total, j]
      }
      now[i] = best
      fill(low, i - 1, least, cut[i]!)
      fill(i + 1, high, cut[i]!, most)
    }
    fill(k, n, k - 1, n - 1)
    cuts.push(cut)
    before = now
  }
  const codebook = new Float64Array(levels).fill(sorted[n - 1]!)
  for (let k = used - 1, end = n; k >= 0; k--) {
    const start = k === 0 ? 0 : cuts[k - 1]![end]!
    codebook[k] = middle + (sum[end]! - sum[start]!) / (end - start)
    end = start
  }
  return { symbols: assign(v, codebook), codebook }
}

export const quantisers: Readonly<Record<Quantiser, (v: ArrayLike<number>, levels: number) => Quantised>> = {
  uniform: uniformBins,
  kmeans: kMeans,
}
