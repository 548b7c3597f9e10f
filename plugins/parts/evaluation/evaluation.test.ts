import type { Dataset, Evaluation, Posterior, Problem, Run, Value } from 'ockham'
import { describe, expect, it } from 'vitest'
import plugin, { calibration, calibrationOptions, decomposition, ood, predictionsOf, selective, uncertainty } from './index.js'

/** A dataset whose single feature is the probability that the model gives to class 1; unscaled. */
const features = (splits: Record<string, { x: readonly number[]; y?: readonly number[] }>, task = 'classification'): Dataset => {
  const reads: string[] = []
  const pick = (from: readonly number[], rows: Value) => Array.from(rows.data, (r) => from[r]!)
  const dataset: Dataset & { reads: string[] } = {
    reads,
    meta: {
      task,
      ...(task === 'classification' ? { classes: ['no', 'yes'] } : {}),
      splits: Object.fromEntries(Object.entries(splits).map(([name, s]) => [name, s.x.length])),
      shapes: { x: { shape: [1], dtype: 'float32' } },
      digest: '0',
      licence: 'none',
    },
    read(split, rows) {
      reads.push(`${split} ${rows.data.length}`)
      const { x, y } = splits[split]!
      const n = rows.data.length
      return {
        x: { shape: [n, 1], dtype: 'float32', data: Float32Array.from(pick(x, rows)) },
        ...(y && task === 'classification' ? { y: { shape: [n], dtype: 'int32', data: Int32Array.from(pick(y, rows)) } } : {}),
        ...(y && task === 'regression' ? { y: { shape: [n, 1], dtype: 'float32', data: Float32Array.from(pick(y, rows)) } } : {}),
      }
    },
  }
  return dataset
}

const binary: Posterior = {
  predict({ x }) {
    const data = Float32Array.from(x!.data as Float32Array)
    const probabilities = new Float32Array(2 * data.length)
    data.forEach((p, i) => probabilities.set([1 - p, p], 2 * i))
    return Promise.resolve({ kind: 'categorical', probabilities: { shape: [data.length, 2], dtype: 'float32', data: probabilities } })
  },
  save: () => ({ kind: 'none', values: {}, meta: null }),
}

const evaluate = (evaluation: Evaluation, posterior: Posterior, dataset: Dataset) =>
  evaluation.evaluate(posterior, { dataset } as Problem, {} as Run)

const test = { x: [0.9, 0.8, 0.3, 0.6], y: [1, 1, 0, 0] }

describe('calibration', () => {
  it('reports numbers, tables and figures a split', async () => {
    const dataset = features({ test, validation: { x: [0.75], y: [1] } })
    const options = calibrationOptions.parse({ splits: ['test', 'validation'] })
    const report = await evaluate(calibration(options, { dataset }), binary, dataset)
    expect(report.values['test/accuracy']).toBe(0.75)
    expect(report.values['test/nll']).toBeCloseTo(-Math.log(0.9 * 0.8 * 0.7 * 0.4) / 4, 6)
    expect(report.values['test/brier']).toBeCloseTo((2 * (0.1 ** 2 + 0.2 ** 2 + 0.3 ** 2 + 0.6 ** 2)) / 4, 6)
    expect(report.values['test/ece']).toBeCloseTo((0.1 + 0.2 + 0.3 + 0.6) / 4, 6)
    expect(report.values['validation/nll']).toBeCloseTo(-Math.log(0.75), 6)
    expect(report.tables!['test/confusion']).toEqual([
      { label: 'no', predicted: 'no', count: 1 },
      { label: 'no', predicted: 'yes', count: 1 },
      { label: 'yes', predicted: 'yes', count: 2 },
    ])
    expect(report.tables!['test/reliability']!.length).toBe(15)
    expect(Object.keys(report.figures!)).toEqual(['test/reliability', 'test/confusion', 'validation/reliability', 'validation/confusion'])
  })

  it('reports a regression in the units of its target', async () => {
    const dataset = { ...features({ test: { x: [1, -1], y: [1, 0] } }, 'regression'), target: { mean: [10], std: [2] } }
    const normal: Posterior = {
      ...binary,
      predict: ({ x }) => Promise.resolve({ kind: 'normal', mean: x!, variance: { ...x!, data: Float32Array.from(x!.data, () => 0.25) } }),
    }
    const report = await evaluate(calibration(calibrationOptions.parse({}), { dataset }), normal, dataset)
    // Means 12 and 8 with standard deviation 1, targets 12 and 10.
    expect(report.values).toEqual({ 'test/rmse': Math.sqrt(2), 'test/nll': 0.5 * Math.log(2 * Math.PI) + 1 })
  })

  it('refuses at once a split that is not there', () => {
    const dataset = features({ test })
    expect(() => calibration(calibrationOptions.parse({ splits: ['tset', 'valid'] }), { dataset })).toThrow(
      /2 problems.*OCK-EVAL-001.*tset/s,
    )
  })

  it('names the row of a label or a prediction that cannot be', async () => {
    const labels = features({ test: { x: [0.5, 0.5], y: [0, 2] } })
    const at = (dataset: Dataset) => evaluate(calibration(calibrationOptions.parse({}), { dataset }), binary, dataset)
    await expect(at(labels)).rejects.toThrow(/OCK-EVAL-003 at test, row 1/)
    await expect(at(features({ test: { x: [0.5] } }))).rejects.toThrow(/OCK-EVAL-004/)
    await expect(at(features({ test: { x: [0.5, NaN], y: [0, 0] } }))).rejects.toThrow(/OCK-EVAL-002 at test, row 1/)
  })
})

describe('predictions', () => {
  it('are computed once, in chunks, for all who ask', async () => {
    const dataset = features({ test: { x: new Array<number>(2500).fill(0.5) } }) as Dataset & { reads: string[] }
    const [a, b] = await Promise.all([predictionsOf(binary, dataset, 'test'), predictionsOf(binary, dataset, 'test')])
    expect(a).toBe(b)
    expect(dataset.reads).toEqual(['test 1024', 'test 1024', 'test 452'])
    await predictionsOf({ ...binary }, dataset, 'test')
    expect(dataset.reads.length).toBe(6)
  })

  it('average the entropy of members', async () => {
    const members: Posterior = {
      ...binary,
      predict: () =>
        Promise.resolve({
          kind: 'categorical',
          probabilities: { shape: [1, 2], dtype: 'float32', data: Float32Array.of(0.5, 0.5) },
          members: { shape: [2, 1, 2], dtype: 'float64', data: Float64Array.of(0.9, 0.1, 0.1, 0.9) },
        }),
    }
    const found = await predictionsOf(members, features({ test: { x: [0] } }), 'test')
    expect(found.kind === 'categorical' && found.expectedEntropy[0]).toBeCloseTo(0.325083, 6)
  })

  it('count how far members disagree: brief section 7', async () => {
    const rows = [0.7, 0.2, 0.1, 0.4, 0.5, 0.1, 0.1, 0.1, 0.8]
    const members: Posterior = {
      ...binary,
      predict: () =>
        Promise.resolve({
          kind: 'categorical',
          probabilities: { shape: [1, 3], dtype: 'float32', data: Float32Array.of(0.4, 0.8 / 3, 1 / 3) },
          members: { shape: [3, 1, 3], dtype: 'float64', data: Float64Array.from(rows) },
        }),
    }
    const found = await predictionsOf(members, features({ test: { x: [0] } }), 'test')
    if (found.kind !== 'categorical') throw new Error('classes')
    expect(uncertainty(found, 'variation-ratio')[0]).toBeCloseTo(0.6666666667, 9)
    expect(decomposition(found).total[0]).toBeCloseTo(1.085188613, 6)
    expect(decomposition(found).expected[0]).toBeCloseTo(0.7947329348, 9)
    const alone = await predictionsOf(binary, features({ test: { x: [0.5, 0.9] } }), 'test')
    expect(alone.kind === 'categorical' && [...uncertainty(alone, 'variation-ratio')]).toEqual([0, 0])
  })

  it('are asked again after a failure', async () => {
    let tries = 0
    const flaky: Posterior = { ...binary, predict: (x) => (tries++ ? binary.predict(x) : Promise.reject(new Error('once'))) }
    const dataset = features({ test })
    await expect(predictionsOf(flaky, dataset, 'test')).rejects.toThrow('once')
    expect((await predictionsOf(flaky, dataset, 'test')).rows).toBe(4)
  })
})

describe('ood', () => {
  it('tells a dataset with labels of its own from the test split', async () => {
    const dataset = features({ test })
    const against = features({ train: { x: [0.5] }, test: { x: [0.5, 0.45, 0.7], y: [17, 18, 19] } })
    const { values, figures } = await evaluate(ood({ against, score: 'entropy', split: 'test' }, { dataset }), binary, dataset)
    // In: .9 .8 .7 .6 by confidence; out: .5 .55 .7. Of 12 pairs 10 are won, one is tied (to float32), one (.6 against .7) is lost.
    expect(values['test/auroc']).toBeGreaterThanOrEqual(10 / 12)
    expect(values['test/auroc']).toBeLessThanOrEqual(11 / 12)
    expect(values['test/fpr95']).toBeGreaterThan(0)
    expect(values).not.toHaveProperty('test/mutual-information')
    expect(figures).toHaveProperty(['test/ood'])
    const swapped = await evaluate(ood({ against, score: 'mutual-information', split: 'test' }, { dataset }), binary, dataset)
    expect(swapped.values['test/auroc']).toBe(0.5)
  })
})

describe('selective', () => {
  it('adds a joint curve where examples from elsewhere are mixed in', async () => {
    const dataset = features({ test: { x: [0.9, 0.8, 0.2, 0.1], y: [1, 1, 0, 0] } })
    const against = features({ test: { x: [0.5, 0.5, 0.5, 0.5] } })
    const { values } = await evaluate(selective({ split: 'test', score: 'entropy', against }, { dataset }), binary, dataset)
    expect(values['test/selective']).toBeCloseTo(99.9, 10)
    // All wrong ones are the most uncertain: above half coverage they cost, below they do not.
    expect(values['test/selective-joint']).toBeLessThan(90)
    expect(values['test/selective-joint']).toBeGreaterThan(75)
  })
})

it('lists what it provides', () => {
  expect(plugin.provides.map((p) => p.name)).toEqual(['calibration', 'ood', 'selective', 'scaling', 'picture'])
})
