import type { Engine, Problem } from 'ockham'
import { hostKey } from 'ockham'
import { beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { fromWeights, pointMass, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { direction, places } from './directions.js'
import { flatness, flatnessOptions } from './flatness.js'

const params = {
  conv: { shape: [2, 3, 4], dtype: 'float32' as const, data: hostKey(1).normal([24]).data },
  bias: value([1, 2, 3]),
}
const norm = (data: ArrayLike<number>): number => Math.sqrt(Array.from(data).reduce((s, x) => s + x * x, 0))

it('T11: directions have the norms of the weights, and none along vectors', () => {
  const whole = direction(params, hostKey(2))
  expect(norm(whole['conv']!.data)).toBeCloseTo(norm(params.conv.data), 5)
  expect(Array.from(whole['bias']!.data)).toEqual([0, 0, 0])
  const filters = direction(params, hostKey(2), 'filter')
  for (let f = 0; f < 4; f++) {
    const of = (data: ArrayLike<number>) => norm(Array.from(data).filter((_, i) => i % 4 === f))
    expect(of(filters['conv']!.data)).toBeCloseTo(of(params.conv.data), 5)
  }
})

it('T11: 0 is among the places, whatever their number', () => {
  expect(places(5, 3)).toEqual([-5, 0, 5])
  expect(places(5, 4)).toEqual([-5, -2.5, 0, 2.5, 5])
  expect(places(1, 51)[25]).toBe(0)
})

describe('flatness of a linear model', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await engines['onnxruntime']!()
  })

  it('is that of its closed form', async () => {
    const x = [-1, 0, 2, 0.5, 1]
    const y = [0.5, 1, 2.5, 1, 2]
    const problem: Problem = {
      model: mlp(mlpOptions.parse({ hidden: [] })),
      dataset: inMemory({ train: { x: value(x, [5, 1]), y: value(y, [5, 1]) } }),
      objective: gaussian({ noise: 0.5 }),
      prior: normal({ scale: 1 }),
      examples: 5,
    }
    const weights = { 'head.kernel': value([0.7], [1, 1]), 'head.bias': value([0.9]) }
    const posterior = fromWeights(problem, engine, pointMass({ params: weights, frozen: {}, state: {} }))
    const { values, tables, figures } = await flatness(flatnessOptions.parse({ batchSize: 2, probes: 40, eigenvalues: 2 })).evaluate(
      posterior,
      problem,
      testRun(engine).run,
    )
    // H = [[mean x², mean x], [mean x, 1]] / σ²; mean x² = 1.25, mean x = 0.5, σ² = 0.25.
    const half = Math.sqrt(0.125 ** 2 + 0.25)
    expect(values['train/hessian-1']).toBeCloseTo(4 * (1.125 + half), 4)
    expect(values['train/hessian-2']).toBeCloseTo(4 * (1.125 - half), 4)
    // zᵀHz = 9 ± 4 for signs z: four standard errors of 40.
    expect(Math.abs(values['train/hessian-trace']! - 9)).toBeLessThan(2.6)
    expect(values['train/hessian-mean']).toBeCloseTo(values['train/hessian-trace']! / 2, 8)
    expect(Math.abs(values['train/gram-trace']! - 2.25)).toBeLessThan(2.5)
    const loss = x.reduce((sum, xi, i) => sum + (0.7 * xi + 0.9 - y[i]!) ** 2 / 0.5 + 0.5 * Math.log(2 * Math.PI * 0.25), 0) / 5
    expect(values['train/loss']).toBeCloseTo(loss, 5)
    const middle = tables!['train/landscape']!.filter((row) => row['distance'] === 0)
    expect(middle).toHaveLength(3)
    for (const row of middle) expect(row['loss']).toBeCloseTo(loss, 5)
    expect(figures).toHaveProperty(['train/landscape'])
  })
})
