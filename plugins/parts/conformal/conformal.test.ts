import { hostKey, type Dataset, type Posterior, type Problem, type Values } from 'ockham'
import { describe, expect, it } from 'vitest'
import { inMemory } from '../training/testing.js'
import { value } from '../training/index.js'
import { conformalThreshold } from '../bounds/index.js'
import {
  adaptiveScores,
  betaBinomial,
  checkFitted,
  conformal,
  conformalOptions,
  conformalRank,
  coverageBand,
  expectedCoverage,
  jackknifePlus,
  normalisedResiduals,
  quantileScores,
  redrawn,
  residuals,
  setsOf,
  thresholdScores,
} from './index.js'

const close = (of: ArrayLike<number>): unknown[] => Array.from(of, (v) => expect.closeTo(v, 10) as unknown)
const twenty = [0.05, 0.12, 0.2, 0.23, 0.31, 0.35, 0.42, 0.5, 0.55, 0.61, 0.64, 0.7, 0.72, 0.8, 0.83, 0.88, 0.9, 0.93, 0.97, 0.99]
const p = [0.5, 0.3, 0.15, 0.05]
const key = hostKey(7)

describe('golden numbers', () => {
  it.each([
    [0.1, 19, 0.97],
    [0.2, 17, 0.9],
    [0.05, 20, 0.99],
    [0.04, 21, Infinity],
  ])('alpha %d: rank %d, threshold %d', (alpha, rank, threshold) => {
    expect(conformalRank(20, alpha)).toBe(rank)
    expect(conformalThreshold([...twenty].reverse(), alpha)).toBe(threshold)
  })

  it('APS and RAPS', () => {
    expect([...adaptiveScores(p, 4, [0])]).toEqual(close([0.5, 0.8, 0.95, 1]))
    expect([...adaptiveScores(p, 4, [0.4])]).toEqual(close([0.3, 0.68, 0.89, 0.98]))
    expect([...adaptiveScores(p, 4, [0], { penalty: 0.1, rank: 1 })]).toEqual(close([0.5, 0.9, 1.15, 1.3]))
    expect([...adaptiveScores([0.3, 0.05, 0.5, 0.15], 4, [0])]).toEqual(close([0.8, 1, 0.5, 0.95]))
    expect(setsOf(adaptiveScores(p, 4, [0]), 4, [2], 0.85)).toEqual({ sizes: Int32Array.of(2), covered: Uint8Array.of(0) })
    expect(setsOf(thresholdScores(p), 4, [2], 0.86)).toEqual({ sizes: Int32Array.of(3), covered: Uint8Array.of(1) })
  })

  it('regression', () => {
    expect([...quantileScores([0, 1, 2], [1, 2.5, 3], [0.5, 2.7, 1.6])]).toEqual(close([-0.5, 0.2, 0.4]))
    expect([...normalisedResiduals([1, 2, 3], [0.5, 1, 0.2], [1.3, 1.2, 3.1])]).toEqual(close([0.6, 0.8, 0.5]))
  })
})

describe('coverage', () => {
  it('expected is rank over n + 1', () => {
    expect(expectedCoverage(20, 0.1)).toBeCloseTo(0.9047619, 7)
    expect(expectedCoverage(20, 0.04)).toBe(1)
  })

  it('of uniform scores is that, and the plain quantile covers less', () => {
    const u = key.uniform([21 * 4000]).data
    let [exact, plain] = [0, 0]
    for (let t = 0; t < 4000; t++) {
      const sample = Float64Array.from(u.subarray(21 * t, 21 * t + 20)).sort()
      const fresh = u[21 * t + 20]!
      if (fresh <= conformalThreshold(sample, 0.1)) exact++
      // Linear between the 18th and 19th of 20 scores, position 0.9 · 19 = 17.1.
      if (fresh <= 0.9 * sample[17]! + 0.1 * sample[18]!) plain++
    }
    // Five standard errors of 4000 draws are 0.025.
    expect(Math.abs(exact / 4000 - 0.9047619)).toBeLessThan(0.025)
    expect(Math.abs(plain / 4000 - 0.8619048)).toBeLessThan(0.028)
    expect(exact).toBeGreaterThan(plain)
  })

  it('is beta-binomial', () => {
    // Beta(1, 1) makes all counts as likely; Beta(19, 2) has mean 19/21.
    expect([...betaBinomial(3, 1, 1)]).toEqual(close([0.25, 0.25, 0.25, 0.25]))
    const at = betaBinomial(50, 19, 2)
    expect(at.reduce((s, w, j) => s + (w * j) / 50, 0)).toBeCloseTo(19 / 21, 12)
    const { low, high } = coverageBand(20, 50, 0.1, 0.9)
    const inside = at.reduce((s, w, j) => (j / 50 >= low && j / 50 <= high ? s + w : s), 0)
    expect(inside).toBeGreaterThanOrEqual(0.9)
    const narrower = at.reduce((s, w, j) => (j / 50 > low && j / 50 < high ? s + w : s), 0)
    expect(narrower).toBeLessThan(0.9 + 0.05)
    expect(coverageBand(5, 10, 0.1)).toEqual({ low: 1, high: 1 })
  })

  it('of rows divided anew lies in its band as often as it should', () => {
    const again = redrawn(Float64Array.from(key.fold('scores').uniform([300]).data), 100, 0.1, 200)
    const { low, high } = coverageBand(100, 200, 0.1, 0.99)
    expect(again.filter((c) => c >= low && c <= high).length).toBeGreaterThanOrEqual(193)
    expect(new Set(again).size).toBeGreaterThan(5)
  })

  it('of the jackknife+ on a mean: its interval by hand, and near 90 percent', () => {
    // Predictions without one of (1, 2, 6) are 4, 3.5, 1.5 and residuals 3, 1.5, 4.5. n = 3, alpha 0.5: ranks 2 of both ends.
    expect(jackknifePlus([4, 3.5, 1.5], [3, 1.5, 4.5], 0.5)).toEqual({ low: 1, high: 6 })
    let covered = 0
    for (let t = 0; t < 400; t++) {
      const y = key.fold('jack').fold(t).normal([21]).data
      const train = Float64Array.from(y.subarray(0, 20))
      const sum = train.reduce((a, b) => a + b, 0)
      const left = train.map((v) => (sum - v) / 19)
      const { low, high } = jackknifePlus(left, residuals(left, train), 0.1)
      if (y[20]! >= low && y[20]! <= high) covered++
    }
    expect(covered / 400).toBeGreaterThan(0.85)
    expect(covered / 400).toBeLessThan(0.96)
  })
})

/** Probabilities are the inputs themselves, labels drawn from them: a posterior that is right. */
function truthful(n: number, stream: string, sharpness = 1): Values {
  const logits = key.fold(stream).normal([n, 3]).data
  const u = key.fold(stream).fold('labels').uniform([n]).data
  const x = new Float32Array(3 * n)
  const y = Array.from({ length: n }, (_, i) => {
    const e = Array.from({ length: 3 }, (_, c) => Math.exp(2 * logits[3 * i + c]!))
    const total = e.reduce((a, b) => a + b, 0)
    e.forEach((v, c) => (x[3 * i + c] = v / total))
    const right = x[3 * i]! < u[i]! ? (x[3 * i]! + x[3 * i + 1]! < u[i]! ? 2 : 1) : 0
    return sharpness === 1 ? right : (right + 1) % 3
  })
  return { x: value(Array.from(x), [n, 3]), y: value(y, [n], 'int32') }
}
const says: Posterior = {
  predict: ({ x }) => Promise.resolve({ kind: 'categorical', probabilities: x! }),
  save: () => ({ kind: 'written', values: {}, meta: null }),
}
const classes = { classes: ['a', 'b', 'c'] }
const data = inMemory({ train: truthful(20, 'train'), validation: truthful(200, 'v'), test: truthful(400, 't') }, classes)

async function report(dataset: Dataset, options: object, posterior = says) {
  const events: { code?: string }[] = []
  const run = { emit: (event: { code?: string }) => void events.push(event) }
  const evaluation = conformal(conformalOptions.parse(options), { dataset })
  const found = await evaluation.evaluate(posterior, { dataset } as Problem, run as never)
  return { ...found, events }
}

describe('the evaluation', () => {
  it.each(['thr', 'aps', 'raps'] as const)('%s covers within its band', async (score) => {
    const { values, tables, figures, events } = await report(data, { score })
    expect(values['test/coverage']).toBeGreaterThanOrEqual(values['test/coverage-low']!)
    expect(values['test/coverage']).toBeLessThanOrEqual(values['test/coverage-high']!)
    expect(values['test/set-size']).toBeGreaterThan(0.8)
    expect(values['test/redrawn-inside']).toBeGreaterThan(0.9)
    expect(tables!['test/conformal']).toHaveLength(3)
    expect(figures).toHaveProperty(['test/coverage'])
    expect(events).toEqual([])
  })

  it('says where rows are not drawn alike', async () => {
    const shifted = inMemory({ validation: truthful(200, 'v'), test: truthful(400, 't', 2) }, classes)
    const { events } = await report(shifted, { score: 'thr' })
    expect(events).toMatchObject([{ code: 'OCK-CONFORMAL-004' }])
  })

  it('refuses rows that are evaluated, trained on, or fitted a temperature', async () => {
    expect(() => conformal(conformalOptions.parse({ calibration: 'test' }), { dataset: data })).toThrow('OCK-CONFORMAL-001')
    expect(() => conformal(conformalOptions.parse({ calibration: 'train' }), { dataset: data })).toThrow('OCK-CONFORMAL-001')
    expect(() => conformal(conformalOptions.parse({ calibration: 'held' }), { dataset: data })).toThrow('OCK-EVAL-001')
    const same = inMemory({ train: truthful(20, 'train'), validation: truthful(60, 't'), test: truthful(60, 't') }, classes)
    await expect(report(same, {})).rejects.toThrow('OCK-CONFORMAL-001')
    expect(() => checkFitted({ of: { meta: { temperature: 2, split: 'validation' } }, temperature: 1 }, 'validation')).toThrow(
      'OCK-CONFORMAL-001',
    )
    expect(() => checkFitted({ temperature: 1, split: 'other' }, 'validation')).not.toThrow()
  })

  it('counts inputs that are there twice', async () => {
    const [v, t] = [truthful(200, 'v'), truthful(400, 't')]
    const x = { ...v['x']!, data: Float32Array.from(v['x']!.data) }
    x.data.set(t['x']!.data.subarray(0, 3))
    const { events } = await report(inMemory({ validation: { ...v, x }, test: t }, classes), {})
    expect(events).toMatchObject([{ code: 'OCK-CONFORMAL-002', message: expect.stringContaining('1 of 200') as string }])
  })

  it('covers all with too few rows', async () => {
    const few = inMemory({ validation: truthful(5, 'v'), test: truthful(40, 't') }, classes)
    const { values, tables } = await report(few, { redraws: 0 })
    expect(values).toMatchObject({ 'test/coverage': 1, 'test/set-size': 3, 'test/coverage-expected': 1 })
    expect(tables!['test/conformal']![0]).toMatchObject({ threshold: null })
  })

  it('gives intervals of numbers, a box of several, and refuses scores of classes', async () => {
    const noisy = (n: number, stream: string): Values => {
      const x = key.fold(stream).normal([n, 2])
      const noise = key.fold(stream).fold('noise').normal([n, 2]).data
      return { x, y: { ...x, data: Float32Array.from(x.data, (v, i) => v + (i % 2 ? 3 : 0.5) * noise[i]!) } }
    }
    const numbers = inMemory({ validation: noisy(200, 'v'), test: noisy(400, 't') })
    const sure: Posterior = {
      ...says,
      predict: ({ x }) =>
        Promise.resolve({ kind: 'normal', mean: x!, variance: { ...x!, data: x!.data.map((_, i) => (i % 2 ? 9 : 0.25)) } }),
    }
    const { values, tables } = await report(numbers, {}, sure)
    expect(values['test/coverage']).toBeGreaterThanOrEqual(values['test/coverage-low']!)
    expect(values['test/coverage']).toBeLessThanOrEqual(values['test/coverage-high']!)
    const width = Object.fromEntries(tables!['test/conformal']!.map((row) => [row['score'], row['interval-width']]))
    // A box around two standard normals that covers 0.9 has sides of twice 1.948 deviations, of mean deviation 1.75.
    expect(width['normalised']).toBeGreaterThan(0.85 * 2 * 1.948 * 1.75)
    expect(width['normalised']).toBeLessThan(1.15 * 2 * 1.948 * 1.75)
    expect(width['residual']).toBeGreaterThan(width['normalised'] as number)
    await expect(report(numbers, { score: 'aps' }, sure)).rejects.toThrow('OCK-CONFORMAL-003')
    await expect(report(data, { score: 'cqr' })).rejects.toThrow('OCK-CONFORMAL-003')
  })
})
