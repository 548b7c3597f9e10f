import type { Engine, Key } from 'ockham'
import { hostKey } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../parts/training/testing.js'
import { normals, signs } from './draws.js'

const shape = [301, 333]
const n = 301 * 333
const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0)
const mean = (x: readonly number[], f: (v: number, i: number) => number): number => sum(x.map(f)) / x.length

describe.each([
  // Standard deviations of z² and z⁴ of a standard normal are √2 and √96, of products of two 1.
  { name: 'normals', draw: normals, square: Math.SQRT2, fourth: [3, Math.sqrt(96)], largest: 3.7, distinct: 4096 },
  { name: 'signs', draw: signs, square: 0, fourth: [1, 0], largest: 1, distinct: 2 },
] as const)('$name', ({ draw, square, fourth, largest, distinct }) => {
  let engine: Engine
  let drawn: number[]
  beforeAll(async () => {
    engine = await engines['onnxruntime']!()
    const program = engine.compile((a: { key: Key }) => ({ z: draw(a.key, shape) }))
    const { z } = await program({ key: hostKey(4) })
    expect(z.shape).toEqual(shape)
    drawn = Array.from(z.data)
    const again = await program({ key: hostKey(4) })
    expect(Array.from(again.z.data)).toEqual(drawn)
    program.dispose()
  })
  afterAll(() => engine.dispose())

  it('has the moments of its distribution, to four standard errors', () => {
    const error = (deviation: number): number => (4 * deviation) / Math.sqrt(n) + 1e-5
    expect(Math.abs(mean(drawn, (z) => z))).toBeLessThan(error(1))
    expect(Math.abs(mean(drawn, (z) => z * z) - 1)).toBeLessThan(error(square))
    expect(Math.abs(mean(drawn, (z) => z ** 4) - fourth[0])).toBeLessThan(error(fourth[1]) + 0.01)
    expect(Math.max(...drawn.map(Math.abs))).toBeLessThan(largest + 0.02)
    expect(new Set(drawn).size).toBe(distinct)
  })

  it('has numbers from the same word, and from its neighbours, that are independent', () => {
    const half = Math.ceil(n / 2)
    const words = Math.ceil(n / 24)
    // Places apart at which two numbers share a uniform number, or are of the next.
    for (const apart of [1, 2, 333, half, half + 1, words, 2 * words]) {
      const pairs = drawn.slice(apart)
      expect(Math.abs(mean(pairs, (z, i) => z * drawn[i]!))).toBeLessThan(4 / Math.sqrt(pairs.length))
      expect(Math.abs(mean(pairs, (z, i) => (z * z - 1) * (drawn[i]! ** 2 - 1)))).toBeLessThan(
        (4 * square ** 2) / Math.sqrt(pairs.length) + 1e-9,
      )
    }
  })
})
