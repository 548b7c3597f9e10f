import { hostKey } from 'ockham'
import { describe, expect, it } from 'vitest'
import { effectiveSize, rHat, splitRHat } from './index.js'

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
})
