import { hostKey, type Engine, type Problem, type Value, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cholesky, logDeterminant, matrix } from '../../parts/linalg/index.js'
import { mlp, mlpOptions, resnet, resnetOptions } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { flat } from '../../parts/priors/index.js'
import { value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { averagingFactor, drawn, none, noiseOf, seen, swag, swagOptions, variances, type Moments } from './index.js'

/** Iterates (1, 2), (1.2, 1.8), (0.9, 2.3), (1.1, 2.1) of brief section 2.3, K = 3. */
const trajectory = (): Moments =>
  [
    [1, 2],
    [1.2, 1.8],
    [0.9, 2.3],
    [1.1, 2.1],
  ].reduce((m, w) => seen(m, { w: { shape: [2], dtype: 'float64', data: Float64Array.from(w) } }, 3), none({ w: value([0, 0]) }))
const close = (got: ArrayLike<number>, wanted: readonly number[], digits = 6): void => {
  expect(got.length).toBe(wanted.length)
  wanted.forEach((w, i) => expect(got[i]).toBeCloseTo(w, digits))
}

describe('moments', () => {
  it('are those of the golden iterates', () => {
    const m = trajectory()
    close(m.mean['w']!.data, [1.05, 2.05], 12)
    close(variances(m)['w']!.data, [0.0125, 0.0325], 12)
    const columns = m.deviations.map((d) => Array.from(d['w']!.data))
    close(columns.flat(), [0.1, -0.1, -0.1333333333, 0.2666666667, 0.05, 0.05], 6)
  })

  it('draw as equation 1 says, one z₂ for all layers', () => {
    const noise = { own: { w: value([0.5, -1]) }, shared: [1, 0, -2] }
    close(drawn(trajectory(), 'low-rank', noise, 1)['w']!.data, [1.0895284708, 1.8225245122])
    close(drawn(trajectory(), 'low-rank', noise, 2)['w']!.data, [1.1059016994, 1.72830108])
    close(drawn(trajectory(), 'diagonal', noise, 1)['w']!.data, [1.05 + 0.5 * Math.sqrt(0.0125), 2.05 - Math.sqrt(0.0325)])
    close(drawn(trajectory(), 'average', noise, 1)['w']!.data, [1.05, 2.05])
  })

  it('have the covariance ½ diag(d) + D Dᵀ / (2 (K − 1))', () => {
    const [m, n] = [trajectory(), 60_000]
    const c = [0, 0, 0]
    for (let i = 0; i < n; i++) {
      const [a, b] = Array.from(
        drawn(m, 'low-rank', noiseOf(hostKey(1).fold(i), m), 1)['w']!.data,
        (x, j) => x - m.mean['w']!.data[j]!,
      ) as [number, number]
      ;[a * a, a * b, b * b].forEach((v, k) => (c[k]! += v / n))
    }
    const wanted = [0.0138194444, -0.0107638889, 0.0371527778]
    wanted.forEach((v, k) => expect(Math.abs(c[k]! - v)).toBeLessThan((5 * 0.0371 * 1.5) / Math.sqrt(n)))
  })

  it('have it exactly, by draws of one unit of noise each', () => {
    const m = trajectory()
    const unit = (k: number): number[] => {
      const z = Array.from({ length: 5 }, (_, i) => (i === k ? 1 : 0))
      const d = drawn(m, 'low-rank', { own: { w: value(z.slice(0, 2)) }, shared: z.slice(2) }, 1)['w']!.data
      return Array.from(d, (x, i) => x - m.mean['w']!.data[i]!)
    }
    const [a, b, c] = [0, 1, 2, 3, 4].map(unit).reduce(([p, q, r], [u, v]) => [p! + u! * u!, q! + u! * v!, r! + v! * v!], [0, 0, 0]) as [
      number,
      number,
      number,
    ]
    close([a, b, c], [0.0138194444, -0.0107638889, 0.0371527778])
    const l = cholesky(matrix([2, 2], [a, b, b, c]), 'test')
    expect(logDeterminant(l)).toBeCloseTo(-7.8301409361, 4)
  })

  it('keep the last deviations only, and the scale is of the covariance', () => {
    const m = [...Array(5).keys()].reduce((all, i) => seen(all, { w: value([i, 0]) }, 2), none({ w: value([0, 0]) }))
    expect(m.deviations.map((d) => d['w']!.data[0])).toEqual([1.5, 2])
    const noise = noiseOf(hostKey(0), m)
    const by = (scale: number): number => drawn(m, 'low-rank', noise, scale)['w']!.data[0]! - 2
    expect(by(4)).toBeCloseTo(2 * by(1), 5)
  })
})

it('the schedule of one run: brief section 2.3', () => {
  const rates = [0, 80, 81, 100, 120, 144, 145].map((epoch) => 0.1 * averagingFactor(epoch, 161, 0.5))
  close(rates, [0.1, 0.1, 0.099612, 0.08486, 0.069332, 0.050699, 0.05], 6)
})

describe.each(Object.entries(engines))('swag on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  const rows = (n: number, seed: number): Values => {
    const x = hostKey(seed).normal([n, 2])
    return {
      x,
      y: {
        shape: [n],
        dtype: 'int32',
        data: Int32Array.from({ length: n }, (__, i) => (x.data[2 * i]! + 0.5 * x.data[2 * i + 1]! > 0 ? 1 : 0)),
      },
    }
  }
  const problem = (model: Problem['model'], data: Values): Problem => ({
    model,
    dataset: inMemory({ train: data }, { classes: ['a', 'b'] }),
    objective: crossEntropy(),
    prior: flat(),
    examples: data['y']!.shape[0]!,
  })
  const options = (more: object) =>
    swagOptions.parse({ epochs: 10, start: 5, batchSize: 16, draws: 4, ...more }) as Parameters<typeof swag>[0]

  it('collects after the start, and its draws spread where the descent moved', async () => {
    const data = rows(64, 1)
    const inference = swag(options({}), { engine })
    const p = problem(mlp(mlpOptions.parse({ hidden: [4] })), data)
    const posterior = await inference.infer(p, testRun(engine).run)
    const saved = posterior.save()
    expect(saved.values['moments.count']!.data[0]).toBe(5)
    expect(Object.keys(saved.values).filter((n) => n.startsWith('moments.deviation4.')).length).toBeGreaterThan(0)
    const prediction = await posterior.predict({ x: data['x']! })
    if (prediction.kind !== 'categorical') throw new Error('classes')
    expect(prediction.members?.shape).toEqual([4, 64, 2])
    const right = Array.from(data['y']!.data).filter((y, i) => prediction.probabilities.data[2 * i + y]! > 0.5).length
    expect(right).toBeGreaterThan(56)
    const restored = await inference.restore(saved, p)
    expect(await restored.predict({ x: data['x']! })).toEqual(prediction)
    expect(inference.plan!(p)).toMatchObject({ swagSteps: 40, collected: 5 })
  })

  it('finds batch norm’s statistics anew for the mean and for every draw', async () => {
    const images = (n: number): Values => ({
      x: hostKey(3).normal([n, 8, 8, 3]),
      y: { shape: [n], dtype: 'int32', data: Int32Array.from({ length: n }, (__, i) => i % 2) },
    })
    const p = problem(resnet(resnetOptions.parse({ depth: 20, width: 2 })), images(8))
    const posterior = await swag(options({ epochs: 3, start: 1, batchSize: 8, draws: 2, rank: 2 }), { engine }).infer(
      p,
      testRun(engine).run,
    )
    const mean = posterior.weights!.point().state
    const draw = (await posterior.weights!.sample(hostKey(5))).state
    const differ = (a: Value, b: Value): boolean => a.data.some((v: number, i: number) => Math.abs(v - b.data[i]!) > 1e-6)
    expect(Object.keys(mean).length).toBeGreaterThan(0)
    expect(Object.keys(mean).some((name) => differ(mean[name]!, draw[name]!))).toBe(true)
    const { members } = (await posterior.predict({ x: images(4)['x']! })) as { members?: Value }
    expect(members?.data.every(Number.isFinite)).toBe(true)
  })
})
