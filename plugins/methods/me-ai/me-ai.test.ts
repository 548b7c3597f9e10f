import { hostKey, type Dataset, type Engine, type Inference, type Posterior, type Problem, type Value } from 'ockham'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { componentOf, freshRun, inMemory, interpreter } from '../../../test/suites/index.js'
import gp, { type Kernel } from '../../parts/gp/index.js'
import { flat } from '../../parts/priors/index.js'
import { bestCut, composite } from './composite.js'
import { isCrossFitted } from './cross-fitted.js'
import { stratified, units } from './folds.js'
import meAi from './index.js'
import { correlationOf, learntFrom } from './metric.js'

/** A small linear congruential generator, so that the task is the same everywhere: s ← 16807 s mod 2³¹ − 1. */
function generator(seed: number): () => number {
  let s = seed
  return () => (s = (16807 * s) % 2147483647) / 2147483647
}

/** The planted direction: label = 1[(x − ½) · w + 0.05 ε > 0] on uniform points; the first n train, the rest test. */
function planted(n: number, d: number, w: readonly number[], seed: number): Dataset {
  const uniform = generator(seed)
  const x = Float32Array.from({ length: 2 * n * d }, uniform)
  const size = Math.sqrt(w.reduce((sum, v) => sum + v * v, 0))
  const y = Int32Array.from({ length: 2 * n }, (_, i) => {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    const along = w.reduce((sum, v, j) => sum + ((x[i * d + j]! - 0.5) * v) / size, 0)
    return along + 0.05 * normal > 0 ? 1 : 0
  })
  const split = (from: number, to: number): Record<string, Value> => ({
    x: { shape: [to - from, d], dtype: 'float32', data: x.slice(from * d, to * d) },
    y: { shape: [to - from], dtype: 'int32', data: y.slice(from, to) },
  })
  return inMemory({ train: split(0, n), test: split(n, 2 * n) }, { classes: ['no', 'yes'] })
}

async function problemOf(dataset: Dataset, rank: number): Promise<Problem> {
  const kernel: Kernel = await componentOf(gp, 'kernel', 'factor-analysis', { rank })
  return {
    dataset,
    model: await componentOf(gp, 'process', 'gp', { kernel }),
    objective: await componentOf(gp, 'objective', 'dirichlet'),
    prior: flat(),
    examples: dataset.meta.splits['train']!,
  }
}

const typeTwo = (options: object = {}): Promise<Inference> => componentOf(gp, 'inference', 'type-two', options)

let engine: Engine
beforeAll(async () => {
  engine = await interpreter()
})
afterAll(() => engine.dispose())

describe('a planted ratio', () => {
  it.each([1, 2])('is the leading direction of the learnt metric [seed %i]', async (seed) => {
    const problem = await problemOf(planted(200, 6, [1, -1, 0, 0, 0, 0], seed), 2)
    const posterior = await (await typeTwo()).infer(problem, freshRun(engine, seed))
    const learnt = learntFrom(posterior, problem)
    const cosine = Math.abs(learnt.direction[0]! - learnt.direction[1]!) / Math.SQRT2
    expect(cosine).toBeGreaterThanOrEqual(0.98)
    expect(learnt.share).toBeGreaterThan(0.9)
    expect(learnt.correlation.mean[1]).toBeLessThan(-0.95)
    const { x, y } = await problem.dataset.read('test', {
      shape: [200],
      dtype: 'int32',
      data: Int32Array.from({ length: 200 }, (_, i) => i),
    })
    const found = await posterior.predict({ x: x! })
    if (found.kind !== 'categorical') throw new Error('class probabilities are wanted')
    const right = Array.from(y!.data).filter((label, i) => (found.probabilities.data[2 * i + 1]! > 0.5 ? 1 : 0) === label).length
    expect(right / 200).toBeGreaterThan(0.9)
  })
})

describe('folds', () => {
  const x: Value = { shape: [40, 1], dtype: 'float32', data: Float32Array.from({ length: 40 }, (_, i) => (i < 6 ? i >> 1 : i)) }
  const labels = Int32Array.from({ length: 40 }, (_, i) => (i % 4 === 0 || i < 6 ? 1 : 0))

  it('keep equal rows together, and groups where they are given', () => {
    expect(units(x).filter((u) => u.length > 1)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ])
    const groups = Int32Array.from({ length: 40 }, (_, i) => (i === 0 || i === 39 ? 7 : 100 + i))
    expect(units(x, groups).find((u) => u.includes(0))).toEqual([0, 1, 39])
    const fold = stratified(units(x), labels, 4, hostKey(0))
    for (const i of [0, 2, 4]) expect(fold[i]).toBe(fold[i + 1])
  })

  it('hold every row, and the same share of each class', () => {
    const fold = stratified(units(x), labels, 4, hostKey(3))
    for (let f = 0; f < 4; f++) {
      const own = Array.from(labels).filter((_, i) => fold[i] === f)
      expect(Math.abs(own.length - 10)).toBeLessThanOrEqual(2)
      expect(Math.abs(own.filter((y) => y === 1).length - labels.filter((y) => y === 1).length / 4)).toBeLessThanOrEqual(1)
    }
    expect(fold).not.toEqual(stratified(units(x), labels, 4, hostKey(4)))
  })
})

describe('cross-fitted', () => {
  let problem: Problem
  let inference: Inference
  let posterior: Posterior
  beforeAll(async () => {
    problem = await problemOf(planted(60, 3, [1, -1, 0], 5), 1)
    inference = await componentOf(meAi, 'inference', 'cross-fitted', { folds: 3, seeds: 2, of: await typeTwo({ steps: 15 }) })
    posterior = await inference.infer(problem, freshRun(engine))
  })

  it('fits every fold of every shuffle, and scales by the training fold alone', async () => {
    if (!isCrossFitted(posterior)) throw new Error('the fits are wanted')
    expect(posterior.fits.length).toBe(6)
    const { x } = await problem.dataset.read('train', { shape: [60], dtype: 'int32', data: Int32Array.from({ length: 60 }, (_, i) => i) })
    posterior.fits.forEach((fit, k) => {
      const fold = Array.from(
        (posterior as unknown as { held: { folds: Value } }).held.folds.data.subarray(60 * Math.floor(k / 3), 60 * Math.floor(k / 3) + 60),
      )
      const own = fold.flatMap((f, i) => (f === k % 3 ? [] : [x!.data[3 * i]!]))
      expect(fit.save().values['scale.low']!.data[0]).toBe(Math.min(...own))
      expect(fit.save().values['train.x']!.shape[0]).toBe(own.length)
    })
  })

  it('reports accuracy on rows left out, and the ratio', async () => {
    const report = await (await componentOf(meAi, 'evaluation', 'descriptors')).evaluate(posterior, problem, freshRun(engine))
    expect(report.values['test/accuracy']).toBeGreaterThan(0.8)
    const pair = report.tables!['correlation']!.find((r) => r['a'] === 'x0' && r['b'] === 'x1')!
    expect(pair['value']).toBeLessThan(-0.8)
    expect(report.tables!['descriptors']![0]).toMatchObject({ descriptor: 'x0 / x1', signAgreement: 1 })
    expect(Object.keys(report.figures!).sort()).toEqual(['calibration', 'correlation', 'descriptor'])
  })

  it('transfers to a table of the same law, and not to one of the other', async () => {
    const scores = async (to: Dataset): Promise<number> => {
      const evaluation = await componentOf(meAi, 'evaluation', 'transfer', { to })
      return (await evaluation.evaluate(posterior, problem, freshRun(engine))).values['transfer/auroc']!
    }
    expect(await scores(planted(100, 3, [1, -1, 0], 77))).toBeGreaterThan(0.9)
    expect(await scores(planted(100, 3, [-1, 1, 0], 77))).toBeLessThan(0.1)
    await expect(scores(planted(20, 4, [1, -1, 0, 0], 77))).rejects.toThrow('OCK-MEAI-004')
  })

  it('refuses classes that are too small for the folds, and groups that are not there', async () => {
    const many = await componentOf(meAi, 'inference', 'cross-fitted', { folds: 50, of: await typeTwo() })
    await expect(many.infer(problem, freshRun(engine))).rejects.toThrow('OCK-MEAI-002')
    const grouped = await componentOf(meAi, 'inference', 'cross-fitted', { groups: true, of: await typeTwo() })
    await expect(grouped.infer(problem, freshRun(engine))).rejects.toThrow('OCK-MEAI-001')
  })
})

describe('readings', () => {
  const [a, b] = [Float64Array.of(1, 2, 4), Float64Array.of(2, 2, 2)]
  it('are ratios and products, exact on logarithms, differences and sums where signs are mixed', () => {
    expect(composite(['a', 'b'], a, b, -0.5)).toEqual({ name: 'a / b', values: Float64Array.of(0.5, 1, 2) })
    expect(composite(['a', 'b'], a, b, 0.5)).toEqual({ name: 'a · b', values: Float64Array.of(2, 4, 8) })
    expect(composite(['log a', 'log b'], a, b, -0.5)).toEqual({ name: 'a / b', values: Float64Array.of(-1, 0, 2) })
    expect(composite(['a', 'b'], a, Float64Array.of(-1, 0, 1), -0.5).name).toBe('a − b')
  })

  it('the best cut', () => {
    expect(bestCut(Float64Array.of(1, 2, 3, 4), [1, 1, 0, 0], 1)).toEqual({ accuracy: 1, at: 2.5, side: 'below', auroc: 1 })
    expect(bestCut(Float64Array.of(1, 2, 3, 4), [0, 0, 0, 1], 1)).toMatchObject({ accuracy: 1, at: 3.5, side: 'above' })
  })

  it('the correlation of a metric', () => {
    const c = correlationOf(Float64Array.of(5, -4, 0, -4, 4.3125, 0.25, 0, 0.25, 1.0625))
    expect([c[1]!, c[2]!, c[5]!]).toEqual([expect.closeTo(-0.8614110433, 9), 0, expect.closeTo(0.1167914325, 9)])
  })
})
