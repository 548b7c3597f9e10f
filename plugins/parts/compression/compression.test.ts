import { hostKey, type HostKey, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prefixLength } from '../bounds/index.js'
import { engines } from '../training/testing.js'
import { value } from '../training/index.js'
import {
  assign,
  BitReader,
  BitWriter,
  countBits,
  countsOf,
  decodeSymbols,
  encodeSymbols,
  fromHalf,
  idealBits,
  kMeans,
  readCounts,
  readMessage,
  referenceLengths,
  straightThrough,
  toHalf,
  uniformBins,
  writeCounts,
  writeMessage,
} from './index.js'
import type { Engine } from 'ockham'
import type { Tensor } from 'ockham/tensor'

/** Symbols with these counts in a random order. */
const shuffled = (counts: readonly number[], key: HostKey): number[] => {
  const all = counts.flatMap((n, s) => new Array<number>(n).fill(s))
  return Array.from(key.permutation(all.length).data, (i) => all[i]!)
}

describe('arithmetic coder', () => {
  it.each([
    [[700, 200, 60, 30, 10], 1286.3258],
    [[125, 125, 125, 125, 125, 125, 125, 125], 3000],
    [[1, 999], 11.4078],
    [[1000], 0],
    [[990, 4, 3, 2, 1], 99.2575],
    [[3, 5, 2], 14.8548],
    [[0, 400, 0, 100], 360.964],
  ])('T7: counts %j are decoded to what was coded, within two bits of %d', (counts, ideal) => {
    expect(idealBits(counts)).toBeCloseTo(ideal, 3)
    for (let seed = 0; seed < 25; seed++) {
      const symbols = shuffled(counts, hostKey(seed))
      const { bytes, bits } = encodeSymbols(symbols, counts)
      expect(Array.from(decodeSymbols(bytes, symbols.length, counts))).toEqual(symbols)
      expect(bits).toBeGreaterThanOrEqual(Math.floor(ideal))
      expect(bits - ideal).toBeLessThanOrEqual(2)
      expect(bytes.length).toBe(Math.ceil(bits / 8))
    }
  })

  it('is prefix-free: whatever follows, the same is decoded', () => {
    const counts = [5, 3, 90, 2]
    for (let seed = 0; seed < 40; seed++) {
      const symbols = shuffled(counts, hostKey(seed))
      const { bytes, bits } = encodeSymbols(symbols, counts)
      for (const filler of [0x00, 0xff, 0xa5]) {
        const longer = new Uint8Array(bytes.length + 8).fill(filler)
        longer.set(bytes)
        if (bits % 8 > 0) longer[bytes.length - 1] = bytes[bytes.length - 1]! | (filler & (0xff >> (bits % 8)))
        expect(Array.from(decodeSymbols(longer, symbols.length, counts))).toEqual(symbols)
      }
    }
  })

  it('settles long carries, and codes long messages close to their entropy', () => {
    // Equal odds of an odd number of symbols straddle the middle again and again.
    const carries = Array.from({ length: 3000 }, () => 1)
    expect(Array.from(decodeSymbols(encodeSymbols(carries, [1000, 1001, 1000]).bytes, 3000, [1000, 1001, 1000]))).toEqual(carries)
    const symbols = Int32Array.from(hostKey(1).normal([50_000]).data, (z) => Math.max(0, Math.min(10, Math.round(2 * z) + 5)))
    const counts = countsOf(symbols, 11)
    const { bytes, bits } = encodeSymbols(symbols, counts)
    expect(Array.from(decodeSymbols(bytes, symbols.length, counts))).toEqual(Array.from(symbols))
    expect(bits - idealBits(counts)).toBeLessThan(2 + 1e-4 * bits)
  })

  it('scales the counts of very long messages', () => {
    const counts = [1_500_000, 1, 600_000]
    const symbols = [0, 2, 1, 0, 0, 2]
    expect(Array.from(decodeSymbols(encodeSymbols(symbols, counts).bytes, 6, counts))).toEqual(symbols)
    expect(() => encodeSymbols([1], [3, 0])).toThrow(/OCK-CODE-002/)
  })
})

describe('side information', () => {
  it.each([
    [1000, 5, 50, 36],
    [50_000, 11, 172, 135],
    [10_000, 7, 94, 71],
    [25_000, 17, 249, 190],
  ])('T8: %i weights of %i levels take %i bits for counts, enumerated %i', (dim, levels, reference, enumerated) => {
    const counts = Array.from({ length: levels }, (_, s) => (s === 0 ? dim : 0))
    expect(referenceLengths(counts, dim).counts).toBe(reference)
    expect(countBits(dim, levels)).toBe(enumerated)
  })

  it.each([
    [[12_500, 12_500, 12_500, 12_500, 0, 0, 0, 0, 0, 0, 0], 100_349, 100_382.2293],
    [[2500, 2500, 1250, 1250, 1250, 1250, 0, 0, 0, 0, 0], 25_324, 25_353.2564],
  ])('T8: a message with counts %j has %i bits as published code counts, prefix-free %d', (counts, bits, length) => {
    const parts = referenceLengths(
      counts,
      counts.reduce((a, b) => a + b),
    )
    const all = Object.values(parts).reduce((a, b) => a + b)
    expect(all).toBe(bits)
    expect(prefixLength(all, 0, 'reference')).toBeCloseTo(length, 4)
  })

  it('T17: a level that no number has makes the message longer, never shorter', () => {
    const symbols = shuffled([60, 30, 10], hostKey(2))
    const bits = [3, 4, 5, 9].map((levels) => writeMessage({ symbols, codebook: new Float64Array(levels), plain: [] }).lengths)
    for (let i = 1; i < bits.length; i++)
      for (const account of ['corrected', 'reference'] as const) {
        const sum = (of: Readonly<Record<string, number>>) => Object.values(of).reduce((a, b) => a + b)
        expect(sum(bits[i]![account])).toBeGreaterThan(sum(bits[i - 1]![account]))
      }
  })

  it('counts are read back, all of them', () => {
    for (let a = 0; a <= 6; a++)
      for (let b = 0; a + b <= 6; b++) {
        const out = new BitWriter()
        writeCounts(out, [a, b, 6 - a - b])
        expect(out.length).toBe(5)
        expect(Array.from(readCounts(new BitReader(out.bytes()), 6, 3))).toEqual([a, b, 6 - a - b])
      }
    const many = [40_000, 3, 0, 9_997]
    const out = new BitWriter()
    writeCounts(out, many)
    expect(Array.from(readCounts(new BitReader(out.bytes()), 50_000, 4))).toEqual(many)
  })

  it('halves', () => {
    for (const x of [0, -0.5, 1 / 3, 65504, 6e-8, 2 ** -14, 1e-5, -3.14159]) {
      const y = fromHalf(toHalf(x))
      expect(Math.abs(y - x)).toBeLessThanOrEqual(Math.max(2 ** -25, Math.abs(x) * 2 ** -11))
      expect(toHalf(y)).toBe(toHalf(x))
    }
    expect([toHalf(1), toHalf(-2), toHalf(65504), toHalf(1e9), toHalf(2 ** -24)]).toEqual([0x3c00, 0xc000, 0x7bff, 0x7bff, 1])
    expect(toHalf(2 ** -14 * (1 - 2 ** -12))).toBe(0x0400)
  })

  it('a message says its content, and nothing else is a message', () => {
    const symbols = shuffled([60, 30, 10], hostKey(2))
    const content = { symbols, codebook: [-0.5, 0, 0.75], plain: [1, -2] }
    const written = writeMessage(content)
    const layout = { dim: 100, levels: 3, plain: 2 }
    const read = readMessage(written.bytes, layout)
    expect([Array.from(read.symbols), Array.from(read.codebook), Array.from(read.plain)]).toEqual([symbols, [-0.5, 0, 0.75], [1, -2]])
    expect(Object.values(written.lengths.corrected).reduce((a, b) => a + b)).toBe(written.bits)
    expect(written.lengths.reference).toEqual({ symbols: Math.ceil(idealBits([60, 30, 10])) + 1, codebook: 48, counts: 20, state: 32 })
    expect(() => readMessage(Uint8Array.of(...written.bytes, 0), layout)).toThrow(/OCK-CODE-004/)
    expect(() => readMessage(written.bytes.slice(0, 5), layout)).toThrow(/OCK-CODE-00[14]/)
    expect(() => readMessage(written.bytes, { ...layout, dim: 99 })).toThrow(/OCK-CODE-00[34]/)
  })
})

describe('quantiser', () => {
  const v = [-1, -0.6, -0.1, 0, 0.05, 0.3, 0.9, 1]

  it('T9: bins of equal width', () => {
    const five = uniformBins(v, 5)
    expect(Array.from(five.symbols)).toEqual([0, 1, 2, 2, 2, 3, 4, 4])
    ;[-1, -0.6, -0.0166667, 0.3, 0.95].forEach((c, k) => expect(five.codebook[k]).toBeCloseTo(c, 6))
    const four = uniformBins(v, 4)
    expect(Array.from(four.symbols)).toEqual([0, 0, 1, 2, 2, 2, 3, 3])
    ;[-0.8, -0.1, 0.1166667, 0.95].forEach((c, k) => expect(four.codebook[k]).toBeCloseTo(c, 6))
  })

  it('T9: entropy and error of normal numbers', () => {
    const z = Array.from(hostKey(0).normal([50_000]).data)
    for (const [levels, entropy, error] of [
      [5, 1.311, 0.2335],
      [7, 1.718, 0.1322],
      [11, 2.309, 0.058],
    ] as const) {
      const { symbols, codebook } = uniformBins(z, levels)
      const mse = z.reduce((s: number, x: number, i: number) => s + (x - codebook[symbols[i]!]!) ** 2, 0) / z.length
      // The bins follow the largest of the numbers, which differs from sample to sample.
      expect(idealBits(countsOf(symbols, levels)) / z.length / entropy).toBeCloseTo(1, 0)
      expect(mse / error).toBeGreaterThan(0.7)
      expect(mse / error).toBeLessThan(1.4)
    }
  })

  it('k-means is exact', () => {
    const draw = Array.from(hostKey(4).normal([9]).data)
    const error = (codebook: ArrayLike<number>) =>
      draw.reduce((s: number, x: number) => s + Math.min(...Array.from(codebook, (c) => (x - c) ** 2)), 0)
    const best = kMeans(draw, 3)
    // Every way to cut nine sorted numbers into three.
    const sorted = Array.from(draw).sort((a, b) => a - b)
    const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length
    let least = Infinity
    for (let i = 1; i < 8; i++)
      for (let j = i + 1; j < 9; j++)
        least = Math.min(least, error([mean(sorted.slice(0, i)), mean(sorted.slice(i, j)), mean(sorted.slice(j))]))
    expect(error(best.codebook)).toBeCloseTo(least, 12)
    expect(Array.from(kMeans([1, 1, 2], 4).codebook)).toEqual([1, 1, 2, 2])
    expect(Array.from(assign([0.5, 1.5, -3], [0, 1, 2]))).toEqual([0, 1, 0])
  })
})

describe.each(Object.entries(engines))('straight through on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  it('T9: values of the codebook, gradients to both', async () => {
    const program = engine.compile((a: { w: Tensor; c: Tensor; up: Tensor }) => {
      const { grads, aux } = engine.valueAndGrad(
        (p) => {
          const y = straightThrough(p['w']!, p['c']!)
          return { value: y.mul(a.up).sum(), aux: y }
        },
        { w: a.w, c: a.c },
      )
      return { y: aux, ...grads }
    })
    const given: Values = { w: value([-0.9, -0.2, 0.1, 0.8, 1.2]), c: value([-1, 0, 1]), up: value([1, 2, 3, 4, 5]) }
    const found = (await program(given as never)) as unknown as Values
    expect(Array.from(found['y']!.data)).toEqual([-1, 0, 0, 1, 1])
    expect(Array.from(found['w']!.data)).toEqual([1, 2, 3, 4, 5])
    expect(Array.from(found['c']!.data)).toEqual([1, 5, 9])
  })
})
