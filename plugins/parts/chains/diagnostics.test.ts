import { hostKey } from 'ockham'
import { describe, expect, it } from 'vitest'
import { effectiveSize, rHat, splitRHat, steinDiscrepancy, worstOf } from './index.js'

describe('diagnostics: brief section 3.3', () => {
  it('R-hat of two chains', () =>
    expect(
      rHat([
        [1, 2, 3, 4],
        [2, 3, 4, 5],
      ]),
    ).toBeCloseTo(1.0246950766, 8))

  it('split R-hat sees drift', () => {
    const drift = Array.from({ length: 100 }, (_, i) => i / 50 + hostKey(i).normal([1]).data[0]! * 0.1)
    expect(splitRHat([drift])).toBeGreaterThan(2)
    expect(splitRHat([Array.from(hostKey(1).normal([400]).data)])).toBeLessThan(1.02)
  })

  it('effective size of an autoregression with ρ = 0.9 is (1 − ρ)/(1 + ρ) of its length', () => {
    const n = 40_000
    const noise = hostKey(2).normal([n]).data
    const x = new Float64Array(n)
    for (let i = 1; i < n; i++) x[i] = 0.9 * x[i - 1]! + noise[i]!
    expect(effectiveSize([x]) / n).toBeGreaterThan(0.0526315789 * 0.85)
    expect(effectiveSize([x]) / n).toBeLessThan(0.0526315789 * 1.15)
  })

  it('kernel Stein discrepancy of three numbers', () => {
    expect(steinDiscrepancy([[-1], [0.2], [1.5]], [[1], [-0.2], [-1.5]])).toBeCloseTo(0.4894014423, 9)
  })

  it('the discrepancy falls with independent draws, and stays where they are of another law', () => {
    const of = (n: number, scale: number): number => {
      const numbers = hostKey(3).normal([n, 2]).data
      const draws = Array.from({ length: n }, (_, i) => [scale * numbers[2 * i]!, scale * numbers[2 * i + 1]!])
      return steinDiscrepancy(
        draws,
        draws.map((x) => x.map((v) => -v)),
      )
    }
    expect(of(100, 1)).toBeLessThan(0.3)
    expect(of(900, 1)).toBeLessThan(0.5 * of(100, 1))
    expect(of(900, 1.5)).toBeGreaterThan(3 * of(900, 1))
  })

  it('the worst of several numbers', () => {
    const [a, b] = [0, 1].map((c) => {
      const noise = hostKey(c).normal([100, 2]).data
      // The second number drifts.
      return Array.from({ length: 100 }, (_, t) => [noise[2 * t]!, noise[2 * t + 1]! + t / 20])
    }) as [number[][], number[][]]
    const of = (i: number) => [a, b].map((chain) => chain.map((x) => x[i]!))
    expect(worstOf([a, b])).toEqual({ rHat: splitRHat(of(1)), effective: effectiveSize(of(1)) })
    expect(worstOf([a, b], 1)).toEqual({ rHat: splitRHat(of(0)), effective: effectiveSize(of(0)) })
    expect(worstOf([a.slice(0, 3), b])).toBeUndefined()
  })
})
