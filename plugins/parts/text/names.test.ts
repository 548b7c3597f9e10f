/* Tables of counts of names, described and bounded: numbers that were computed elsewhere, without training. Runs where OCKHAM_DATA has the names. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { alphaGrid, bound, natsOf, prefixLength, randomTopK, smoothedLoss, smoothedRange, type Method } from '../bounds/index.js'
import { countsOf, fromHalf, referenceLengths, toHalf, uniformBins } from '../compression/index.js'

const file = join(process.env['OCKHAM_DATA'] ?? new URL('../../../../shared/data', import.meta.url).pathname, 'text/names.txt')
const vocabulary = 27

/** Letters 1 … 26 and the end 0, a row a name. */
const names = existsSync(file)
  ? readFileSync(file, 'utf8')
      .split('\n')
      .filter((name) => name !== '')
      .map((name) => [...Array.from(name, (c) => c.charCodeAt(0) - 96), 0])
  : []

/** Logits of the next letter, one row for all letters before it or a row for each; each row's mean is zero. */
function tableOf(pairs: boolean): Float64Array {
  const rows = pairs ? vocabulary : 1
  const counts = new Float64Array(rows * vocabulary)
  for (const name of names) for (const [i, next] of name.entries()) counts[(pairs && i > 0 ? name[i - 1]! : 0) * vocabulary + next]!++
  const logits = new Float64Array(counts.length)
  for (let r = 0; r < rows; r++) {
    const row = counts.subarray(r * vocabulary, (r + 1) * vocabulary)
    const total = row.reduce((a, b) => a + b, 0)
    const own = Array.from(row, (n) => Math.log((n + 0.5) / (total + 13.5)))
    const mean = own.reduce((a, b) => a + b, 0) / vocabulary
    own.forEach((z, c) => (logits[r * vocabulary + c] = z - mean))
  }
  return logits
}

/** Softmax of each row. */
function probabilitiesOf(logits: ArrayLike<number>): Float64Array {
  const all = new Float64Array(logits.length)
  for (let from = 0; from < all.length; from += vocabulary) {
    let sum = 0
    for (let c = 0; c < vocabulary; c++) sum += all[from + c] = Math.exp(logits[from + c]!)
    for (let c = 0; c < vocabulary; c++) all[from + c]! /= sum
  }
  return all
}

/** Mean over names of the mean over their letters. */
function mean(pairs: boolean, loss: (place: number, row: number) => number): number {
  let sum = 0
  for (const name of names) {
    let own = 0
    for (const [i, next] of name.entries()) {
      const row = (pairs && i > 0 ? name[i - 1]! : 0) * vocabulary
      own += loss(row + next, row)
    }
    sum += own / name.length
  }
  return sum / names.length
}

/** The table as a message of L levels says it, and the length of that message. */
function described(pairs: boolean, levels: number) {
  const logits = tableOf(pairs)
  const { symbols, codebook } = uniformBins(logits, levels)
  const decoded = Float64Array.from(symbols, (s) => fromHalf(toHalf(codebook[s]!)))
  const bits = Object.values(referenceLengths(countsOf(symbols, levels), logits.length)).reduce((a, b) => a + b)
  return { bits, probabilities: probabilitiesOf(decoded) }
}

function certified(pairs: boolean, levels: number, method: Method) {
  const { bits, probabilities } = described(pairs, levels)
  const length = prefixLength(bits, Math.log2(8) + Math.log2(8), 'reference')
  const all = alphaGrid.map((alpha) => {
    const risk = mean(pairs, (at) => smoothedLoss(probabilities[at]!, alpha, vocabulary))
    const range = smoothedRange(alpha, vocabulary)
    return { alpha, risk, range, ...bound({ risk, n: names.length, delta: 0.05, nats: natsOf(length), range, method }) }
  })
  return { bits, length, ...all.reduce((best, other) => (other.value < best.value ? other : best)) }
}

it.skipIf(names.length === 0).each([
  [false, 3, 103, 122.373, 0.25, 4.23278, 6.35755, 4.46816],
  [false, 5, 161, 181.662, 0.25, 4.16016, 6.35755, 4.44534],
  [false, 7, 214, 235.483, 0.25, 4.17634, 6.35755, 4.50017],
  [true, 3, 914, 939.672, 0.5, 4.16379, 4.80735, 4.64962],
  [true, 5, 1319, 1345.73, 0.5, 4.03371, 4.80735, 4.61472],
  [true, 11, 2266, 2294.292, 0.5, 3.90987, 4.80735, 4.66799],
])('T13: pairs %j, %i levels: %i bits, %d prefix-free; at α = %d %d ± %d, bounded by %d', (pairs, levels, ...wanted) => {
  const { bits, length, alpha, risk, range, value } = certified(pairs, levels, 'hoeffding')
  const found = [bits, length, alpha, risk, range.width, value]
  found.forEach((x, i) => expect(x).toBeCloseTo(wanted[i]!, i === 1 ? 3 : 5))
})

const firstLargest = (p: Float64Array): number => p.reduce((best, x, i) => (x > p[best]! ? i : best), 0)

it.skipIf(names.length === 0)('T13: by kl⁻¹, and errors of the likeliest letter', () => {
  expect(certified(false, 5, 'kl').value).toBeCloseTo(4.436809, 5)
  expect(certified(true, 5, 'kl').value).toBeCloseTo(4.556961, 5)
  const top = (pairs: boolean, levels: number) => {
    const { bits, probabilities } = described(pairs, levels)
    // Letters of one level are equally likely; the first of them is guessed.
    const risk = mean(pairs, (at, row) => Number(firstLargest(probabilities.subarray(row, row + vocabulary)) !== at - row))
    const nats = natsOf(prefixLength(bits, Math.log2(8), 'reference'))
    return [risk, bound({ risk, n: names.length, delta: 0.05, nats, method: 'hoeffding' }).value]
  }
  const wanted = [
    [false, 5, 0.85359, 0.89808],
    [true, 3, 0.81122, 0.91212],
  ] as const
  for (const [pairs, levels, ...numbers] of wanted) top(pairs, levels).forEach((x, i) => expect(x).toBeCloseTo(numbers[i]!, 4))
  expect(randomTopK(vocabulary, 1)).toBeCloseTo(26 / 27, 12)
})
