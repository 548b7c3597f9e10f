import { hostKey, type Dataset, type Engine, type Inference, type Posterior, type Problem, type Value } from 'ockham'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileWith } from '../../../test/faults/command.js'
import { componentOf, engines, freshRun, inMemory } from '../../../test/suites/index.js'
import { shuffledLabels } from '../../parts/datasets/index.js'
import gp, { type Kernel } from '../../parts/gp/index.js'
import { flat } from '../../parts/priors/index.js'
import { bestCut, composite } from './composite.js'
import { isCrossFitted } from './cross-fitted.js'
import { stratified, units } from './folds.js'
import meAi from './index.js'
import { correlationOf, learntFrom, type Learnt } from './metric.js'
import { generator, normal } from './testing.js'

/** The planted direction: label = 1[(x − ½) · w + 0.05 ε > 0] on uniform points; the first n train, the rest test. */
function planted(n: number, d: number, w: readonly number[], seed: number): Dataset {
  const uniform = generator(seed)
  const x = Float32Array.from({ length: 2 * n * d }, uniform)
  const size = Math.sqrt(w.reduce((sum, v) => sum + v * v, 0))
  const y = Int32Array.from({ length: 2 * n }, (_, i) => {
    const along = w.reduce((sum, v, j) => sum + ((x[i * d + j]! - 0.5) * v) / size, 0)
    return along + 0.05 * normal(uniform) > 0 ? 1 : 0
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
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

/** Share of the test split that a posterior names rightly. */
async function testAccuracy(posterior: Posterior, { dataset }: Problem): Promise<number> {
  const n = dataset.meta.splits['test']!
  const { x, y } = await dataset.read('test', { shape: [n], dtype: 'int32', data: Int32Array.from({ length: n }, (_, i) => i) })
  const found = await posterior.predict({ x: x! })
  if (found.kind !== 'categorical') throw new Error('class probabilities are wanted')
  return Array.from(y!.data).filter((label, i) => (found.probabilities.data[2 * i + 1]! > 0.5 ? 1 : 0) === label).length / n
}

const cosine = ({ direction }: Learnt, w: readonly number[]): number =>
  Math.abs(w.reduce((sum, v, j) => sum + v * direction[j]!, 0)) / Math.sqrt(w.reduce((sum, v) => sum + v * v, 0))

/** Golden task: a generator that all can repeat. */
describe('a planted direction', () => {
  const learn = async (problem: Problem, seed: number): Promise<{ posterior: Posterior; learnt: Learnt; accuracy: number }> => {
    const posterior = await (await typeTwo({ starts: 2, coarse: 100 })).infer(problem, freshRun(engine, seed))
    return { posterior, learnt: learntFrom(posterior, problem), accuracy: await testAccuracy(posterior, problem) }
  }

  it.each([
    [1, 1],
    [2, 1],
    [1, 2],
    [2, 2],
    [3, 2],
  ])('a ratio is the leading direction of the learnt metric [seed %i, rank %i]', async (seed, rank) => {
    const w = [1, -1, 0, 0, 0, 0]
    const { posterior, learnt, accuracy } = await learn(await problemOf(planted(200, 6, w, seed), rank), seed)
    expect(cosine(learnt, w)).toBeGreaterThanOrEqual(0.98)
    expect(learnt.share).toBeGreaterThanOrEqual(0.9)
    expect(learnt.correlation.mean[1]).toBeLessThan(-0.95)
    expect(-posterior.evidence! / 200).toBeLessThan(3.4)
    expect(accuracy).toBeGreaterThanOrEqual(0.9)
  })

  it.each([1, 2])('three terms are found in twelve features [seed %i]', async (seed) => {
    const w = [1, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    const { learnt, accuracy } = await learn(await problemOf(planted(300, 12, w, seed), 2), seed)
    expect(cosine(learnt, w)).toBeGreaterThanOrEqual(0.93)
    expect(learnt.correlation.mean[1]).toBeGreaterThan(0.9)
    expect(learnt.correlation.mean[2]).toBeLessThan(-0.9)
    expect(accuracy).toBeGreaterThanOrEqual(0.9)
  })

  it('shuffled labels teach nothing: chance accuracy, and a C that differs from shuffle to shuffle', async () => {
    const of = planted(200, 6, [1, -1, 0, 0, 0, 0], 1)
    const found = await Promise.all(
      [0, 1, 2, 3].map(async (seed) => learn(await problemOf(shuffledLabels({ of, splits: ['train', 'test'], seed }), 2), seed)),
    )
    for (const { accuracy } of found) expect(Math.abs(accuracy - 0.5)).toBeLessThan(0.12)
    const c = found.map(({ learnt }) => learnt.correlation.mean[1]!)
    expect(Math.max(...c) - Math.min(...c)).toBeGreaterThan(0.4)
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

describe('shuffled labels', () => {
  it('give p-values: the planted pair is beyond chance, and so is the evidence', async () => {
    const problem = await problemOf(planted(80, 4, [1, -1, 0, 0], 5), 2)
    const of = await typeTwo({ steps: 20 })
    const posterior = await of.infer(problem, freshRun(engine))
    const evaluation = await componentOf(meAi, 'evaluation', 'permutation', { of, permutations: 9 })
    const { tables, values } = await evaluation.evaluate(posterior, problem, freshRun(engine))
    const rows = tables!['permutation']!
    expect(rows.map((r) => [r['a'], r['b']])).toEqual([['x0', 'x1'], ['x0', 'x2'], ['x0', 'x3'], ['x1', 'x2'], ['x1', 'x3'], ['x2', 'x3']]) // prettier-ignore
    expect(rows[0]!['p']).toBeLessThanOrEqual(0.3)
    expect(rows[0]!['value']).toBeLessThan(-0.9)
    expect(values['shuffled/p']).toBe(0.1)
    expect(values['shuffled/evidence']).toBeLessThan(posterior.evidence! / 80 - 0.5)
  })
})

describe('products of elements', () => {
  const files = {
    elements: fileWith('element,x0,x1\nP,0.9,0.1\nQ,0.8,0.3\nR,0.2,0.9\nS,0.1,0.7\n', 'elements.csv'),
    compounds: fileWith('A,B,label\nP,Q,TI\nQ,P,TI\nP,R,trivial\nR,S,trivial\nS,Q,semimetal\n', 'compounds.csv'),
  }
  let problem: Problem
  let posterior: Posterior
  beforeAll(async () => {
    problem = await problemOf(planted(60, 2, [1, -1], 4), 1)
    posterior = await (await typeTwo({ steps: 20 })).infer(problem, freshRun(engine))
  })
  const report = async (options: object) =>
    (await componentOf(meAi, 'evaluation', 'element-products', { ...files, ...options })).evaluate(posterior, problem, freshRun(engine))

  it('rank elements, and compounds by both of theirs', async () => {
    const { values, tables } = await report({})
    expect(values['products/auroc']).toBe(1)
    expect(values).toMatchObject({ 'products/positive-above-half': 1, 'products/negative-above-half': 0 })
    const elements = tables!['elements']!
    expect(elements.map((e) => e['element'])).toEqual(expect.arrayContaining(['P', 'Q', 'R', 'S']))
    expect(elements.slice(0, 2).map((e) => e['element']).sort()).toEqual(['P', 'Q']) // prettier-ignore
    const scores = new Map(elements.map((e) => [e['element'], e['score'] as number]))
    const [top] = tables!['products']!
    expect(top!['score']).toBeCloseTo(scores.get('P')! * scores.get('Q')!, 12)
  })

  it('names row and column of what does not fit', async () => {
    await expect(report({ compounds: fileWith('A,B,label\nP,Z,TI\nP,R,trivial\n', 'c.csv') })).rejects.toThrow(
      /OCK-MEAI-006.*row 1 .*column B/,
    )
    await expect(report({ elements: fileWith('element,x0,x1\nP,?,1\n', 'e.csv') })).rejects.toThrow(/OCK-MEAI-006.*row 1 .*column x0/)
    await expect(report({ yes: 'topological' })).rejects.toThrow('OCK-MEAI-005')
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
