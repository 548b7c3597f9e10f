/* Golden numbers of the brief, section 5; closed forms. */
import type { Engine, Prior, Problem, Values } from 'ockham'
import { hostKey } from 'ockham'
import { tf } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { descend, sgd, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { fsMap, fsMapOptions, type FsMapOptions } from './fs-map.js'
import { lmap, lmapOptions, type LmapOptions } from './lmap.js'
import { energyOf, formula, network, problemOf, product, twoUnits } from './testing.js'

const flat = 1e12
const mapped = (given: object): Prior => lmap(lmapOptions.parse({ priorVar: flat, ...given }) as LmapOptions)
const exact = (given: object): Prior => fsMap(fsMapOptions.parse({ priorVar: flat, ...given }) as FsMapOptions)
const five = value([-1, -0.5, 0, 0.5, 1], [5, 1])

describe.each(Object.entries(engines))('on %s', (machine, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const precision = machine === 'onnxruntime' ? 'float64' : 'float32'

  it('T1: a linear model has a constant log det G and a trace without gradient', async () => {
    const x = value([-1, 0, 2, 3, -2, 1], [3, 2])
    const linear = formula({ w: value([0.3, -0.7], [2, 1]) }, ({ w }, input) => input.matMul(w!))
    const density = await energyOf(engine, problemOf(linear, exact({ epsilon: 1e-3 }), x), precision)({ w: value([0.3, -0.7], [2, 1]) })
    // G = XᵀX/3 = [[9, 4], [4, 10]] / 3
    expect(density.energy).toBeCloseTo(0.5 * Math.log((3 + 1e-3) * (10 / 3 + 1e-3) - 16 / 9), 5)
    for (const g of density.grads['w']!.data) expect(Math.abs(g)).toBeLessThan(1e-6)
    const laplacian = await energyOf(
      engine,
      problemOf(linear, mapped({ epsilon: 0.5, std: 1 }), x),
      precision,
    )({ w: value([0.3, -0.7], [2, 1]) })
    for (const g of laplacian.grads['w']!.data) expect(Math.abs(g)).toBeLessThan(1e-4)
  })

  // x ~ U[-1, 1] by three points with E x² = 1/3.
  const third = value([-1, 0, 0, 1, 0, 0], [6, 1])
  it('T2: log det of a singular G falls without bound as ε does', async () => {
    const at = async (epsilon: number) =>
      (await energyOf(engine, problemOf(product([1, 2]), exact({ epsilon }), third), precision)({ w: value([1, 2]) })).energy * 2
    expect(await at(1e-2)).toBeCloseTo(-4.0883624905, 4)
    expect(await at(1e-4)).toBeCloseTo(-8.69945475, precision === 'float64' ? 5 : 1)
    if (precision === 'float64') expect(await at(1e-8)).toBeCloseTo(-17.9098551, 4)
  })

  it('T3: log det and its gradient for two tanh units', async () => {
    const golden: [number, number, number[]][] = [
      [0.1, -4.9799998424, [-0.028965, -0.19926, -0.003913, 0.013441, 0.640984, 0.31318, 0]],
      [1, 1.0303912507, [-0.238948, -0.045745, 0.011655, -0.009922, 0.403994, 0.145566, 0]],
    ]
    for (const [epsilon, half, gradient] of golden) {
      const { energy, grads } = await energyOf(engine, problemOf(network, exact({ epsilon }), five), precision)(twoUnits)
      expect(energy).toBeCloseTo(half, 4)
      const all = ['u', 'c', 'v', 'd'].flatMap((name) => Array.from(grads[name]!.data))
      all.forEach((g, i) => expect(Math.abs(g - gradient[i]!)).toBeLessThan(2e-4))
    }
    const at = async (epsilon: number) => (await energyOf(engine, problemOf(network, exact({ epsilon }), five), precision)(twoUnits)).energy
    expect(await at(10)).toBeCloseTo(8.2285978361, 4)
    if (precision === 'float64') expect(await at(1e-3)).toBeCloseTo(-13.8962119917, 4)
  })

  it('T3: a dense network and a formula of the same weights have the same density and gradient', async () => {
    const dense = mlp(mlpOptions.parse({ hidden: [2], activation: 'tanh' }))
    const params: Values = {
      'layer0.kernel': twoUnits['u']!,
      'layer0.bias': twoUnits['c']!,
      'head.kernel': twoUnits['v']!,
      'head.bias': twoUnits['d']!,
    }
    const { energy, grads } = await energyOf(engine, problemOf(dense, exact({ epsilon: 0.1 }), five), precision)(params)
    expect(energy).toBeCloseTo(-4.9799998424, 4)
    expect(grads['layer0.kernel']!.data[1]).toBeCloseTo(-0.19926, 3)
    expect(grads['head.kernel']!.data[0]).toBeCloseTo(0.640984, 3)
    expect(Math.abs(grads['head.bias']!.data[0]!)).toBeLessThan(1e-5)
  })

  it('T6: a diagonal G; its log det is never above the trace', async () => {
    // f = (w₁, √2 w₂, √3 w₃) at one point: G = diag(1, 2, 3).
    const diagonal = formula({ w: value([1, 1, 1]) }, ({ w }, x) => x.mul(w!.mul(tf.tensor1d([1, Math.SQRT2, Math.sqrt(3)]))))
    const x = value([1], [1, 1])
    for (const [epsilon, wanted] of [
      [10, 0.539996],
      [100, 0.0593118],
      ...(precision === 'float64' ? ([[1000, 0.005993]] as const) : []),
    ] as const) {
      const { energy } = await energyOf(engine, problemOf(diagonal, exact({ epsilon }), x, 3), precision)({ w: value([1, 1, 1]) })
      expect(2 * energy - 3 * Math.log(epsilon)).toBeCloseTo(wanted, 3)
      expect(2 * energy - 3 * Math.log(epsilon)).toBeLessThan(6 / epsilon)
    }
    const rademacher = energyOf(
      engine,
      problemOf(diagonal, mapped({ epsilon: 0.5, std: 0.1, perturbation: 'rademacher' }), x, 3),
      precision,
    )
    for (const seed of [1, 2, 3]) expect((await rademacher({ w: value([1, 1, 1]) }, seed)).energy).toBeCloseTo(6, 3)
  })

  it('T9: ε makes the density finite where a unit has no effect', async () => {
    const dead: Values = { ...twoUnits, v: value([1.5, 0], [2, 1]) }
    const at = async (epsilon: number) => (await energyOf(engine, problemOf(network, exact({ epsilon }), five), precision)(dead)).energy
    expect(Number.isFinite(await at(0.1))).toBe(true)
    // Towards ε = ∞ the term is ½ P log ε and has no gradient left.
    const { energy, grads } = await energyOf(engine, problemOf(network, exact({ epsilon: 1e6 }), five), precision)(twoUnits)
    expect(energy).toBeCloseTo(3.5 * Math.log(1e6), 3)
    for (const { data } of Object.values(grads)) for (const g of data) expect(Math.abs(g)).toBeLessThan(1e-4)
  })
})

describe('by training and by many draws', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await engines['onnxruntime']!()
  })

  /** Mean energy and gradient over draws. */
  const averaged = async (problem: Problem, params: Values, draws: number) => {
    const at = energyOf(engine, problem)
    let energy = 0
    const sums: Record<string, number[]> = {}
    for (let seed = 0; seed < draws; seed++) {
      const one = await at(params, seed)
      energy += one.energy / draws
      for (const [name, { data }] of Object.entries(one.grads)) {
        const sum = (sums[name] ??= Array<number>(data.length).fill(0))
        data.forEach((g: number, i: number) => (sum[i]! += g / draws))
      }
    }
    return { energy, grads: sums }
  }

  it('T2: the estimator has the bias m β², and no other', async () => {
    const x = value([-1, 0, 2, 1, 0, 0], [6, 1])
    const w = { w: value([1, 2]) }
    // m = E x² = 1; m (w₁² + w₂² + β²), with a standard deviation of about √2 · 5 a draw.
    for (const std of [0.1, 1]) {
      const { energy, grads } = await averaged(problemOf(product([1, 2]), mapped({ epsilon: 0.5, std }), x), w, 3000)
      expect(Math.abs(energy - (5 + std * std))).toBeLessThan(0.6)
      // 2 m w, as the bias does not depend on w.
      grads['w']!.forEach((g, i) => expect(Math.abs(g - [2, 4][i]!)).toBeLessThan(0.6))
    }
  })

  it('T1: of a linear model the estimator is unbiased at every size of the perturbation', async () => {
    const x = value([-1, 0, 2, 3, -2, 1], [3, 2])
    const linear = formula({ w: value([0.3, -0.7], [2, 1]) }, ({ w }, input) => input.matMul(w!))
    const means = []
    for (const std of [1e-2, 1, 30])
      means.push((await averaged(problemOf(linear, mapped({ epsilon: 0.5, std }), x), { w: value([0.3, -0.7], [2, 1]) }, 3000)).energy)
    // tr XᵀX/3 = 19/3; one draw has the variance 2 tr G² = 47.3.
    expect(Math.abs(means[1]! - 19 / 3)).toBeLessThan(0.5)
    for (const mean of means) expect(mean).toBeCloseTo(means[1]!, 2)
  })

  it('T4, T5: mean and gradient of the estimator are those of tr G, with both passes differentiated', async () => {
    const { energy, grads } = await averaged(problemOf(network, mapped({ epsilon: 0.5, std: 1e-2 }), five), twoUnits, 4000)
    // A draw has a standard deviation of 4.
    expect(Math.abs(energy - 3.7370231979)).toBeLessThan(0.25)
    // With the first pass held fixed the means would be −2.301 and 1.410.
    expect(Math.abs(grads['u']![0]! + 1.665009)).toBeLessThan(0.3)
    expect(Math.abs(grads['v']![1]! - 0.840475)).toBeLessThan(0.25)
    expect(Math.abs(grads['d']![0]!)).toBeLessThan(1e-3)
  })

  it('T4: random signs have the smaller variance where G is near diagonal', async () => {
    const spread = async (perturbation: string): Promise<number> => {
      const at = energyOf(engine, problemOf(network, mapped({ epsilon: 0.5, std: 1e-2, perturbation }), five))
      const all: number[] = []
      for (let seed = 0; seed < 1500; seed++) all.push((await at(twoUnits, seed)).energy)
      const mean = all.reduce((a, b) => a + b, 0) / all.length
      return all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length
    }
    // 2 tr G² = 15.99 and 2 (tr G² − Σ G_ii²) = 9.25.
    const [gaussianDraws, signs] = [await spread('normal'), await spread('rademacher')]
    expect(Math.abs(gaussianDraws - 15.99)).toBeLessThan(4)
    expect(Math.abs(signs - 9.25)).toBeLessThan(1.5)
  })

  it('T7: the most likely function of exp(w) φ without data is the same in other coordinates; the most likely weight is not', async () => {
    const bump = formula({ w: value([0]) }, ({ w }, x) => x.mul(w!.exp()))
    const at = energyOf(engine, problemOf(bump, exact({ epsilon: 1e-10, priorVar: 1.44 }), value([0.5, 1], [2, 1])), 'float64')
    let w = 0
    for (let i = 0; i < 60; i++)
      w -= 0.7 * (await at({ w: { shape: [1], dtype: 'float64', data: Float64Array.of(w) } })).grads['w']!.data[0]!
    expect(Math.exp(w)).toBeCloseTo(0.2369277587, 6)
  })

  const places = [-0.65, -0.6, -0.55, -0.5, -0.45, -0.4, -0.35, 0.7]
  const heights = [0.5223665527, 0.6665313106, 0.9500444146, 0.98, 0.9600444146, 0.6865313106, 0.4923665527, 0.1]
  const bumps = (x: number, c: number): number => Math.exp(-((x - c) ** 2) / 0.03) / Math.SQRT2
  const features = (xs: readonly number[]) =>
    value(
      xs.flatMap((x) => [bumps(x, -0.5), bumps(x, 0.5)]),
      [xs.length, 2],
    )
  const mixture = formula({ w: value([0, 0]) }, ({ w }, x) => x.matMul(w!.exp().reshape([2, 1])))
  const fitted = async (problem: Problem, steps: number, learningRate: number): Promise<Record<string, number[]>> => {
    const { vars } = await descend(problem, testRun(engine).run, {
      optimizer: sgd({ learningRate, momentum: 0.9, nesterov: false }),
      steps,
      size: 64,
    })
    return Object.fromEntries(Object.entries(vars.params).map(([name, { data }]) => [name, Array.from(data)]))
  }

  it('T8: modes of the mixture of bumps, over weights and over functions', async () => {
    const dataset = inMemory({ train: { x: features(places), y: value(heights, [8, 1]) } })
    const context = inMemory({ train: { x: features(Array.from({ length: 41 }, (_, i) => i / 20 - 1)) } })
    const of = (prior: Prior): Problem => ({ model: mixture, dataset, objective: gaussian({ noise: 0.1 }), prior, examples: 8 })
    const functions = exact({
      epsilon: 1e-10,
      priorVar: 1.44,
      context: { ...context, read: () => context.read('train', rows(41)) },
      contextSize: 41,
    })
    expect((await fitted(of(normal({ scale: 1.2 })), 400, 0.01))['w']).toEqual([expect.closeTo(0.350818, 4), expect.closeTo(-0.413358, 4)])
    expect((await fitted(of(functions), 800, 0.01))['w']).toEqual([expect.closeTo(0.348432, 4), expect.closeTo(-1.100732, 4)])
  })

  const line = inMemory({ train: { x: value([-1, 0, 2], [3, 1]), y: value([0.5, 1, 2.5], [3, 1]) } })
  const linear = (prior: Prior): Problem => ({
    model: mlp(mlpOptions.parse({ hidden: [] })),
    dataset: line,
    objective: gaussian({ noise: 0.5 }),
    prior,
    examples: 3,
  })

  it('a trained linear network is at the closed form under both priors, as the weights do not move its Gram matrix', async () => {
    const closed = [expect.closeTo(1.027237, 3), expect.closeTo(0.661479, 3)]
    for (const prior of [exact({ priorVar: 1 }), mapped({ priorVar: 1, epsilon: 1, std: 0.1 })]) {
      const found = await fitted(linear(prior), 250, 0.05)
      expect([found['head.bias']![0], found['head.kernel']![0]]).toEqual(closed)
    }
  })

  it('T10: λ = 0 is the most likely weights, bit for bit', async () => {
    const context = inMemory({ train: { x: value([4, 5], [2, 1]) } })
    const without = await fitted(linear(normal({ scale: 1 })), 40, 0.05)
    const off = await fitted(linear(mapped({ lambda: 0, priorVar: 1, context })), 40, 0.05)
    expect(off).toEqual(without)
    expect(off).toEqual(await fitted(linear(mapped({ lambda: 0, priorVar: 1 })), 40, 0.05))
  })

  it('padding is no point, and points may be the context or noise alone', async () => {
    const x = value([1, 2, 7], [3, 1])
    const model = formula({ w: value([1]) }, ({ w }, input) => input.mul(w!.square()))
    const at = energyOf(engine, problemOf(model, mapped({ epsilon: 0.5, std: 1e-3, perturbation: 'rademacher' }), x))
    // J = 2 w x: G = 4 · mean x².
    expect((await at({ w: value([1]) }, 0, value([1, 1, 0]))).energy).toBeCloseTo(10, 1)
    const feed = async (given: object) => mapped(given).feed!(3, hostKey(0), problemOf(model, mapped({}), x))
    expect((await feed({ points: 'noise', contextSize: 5 }))['x']!.shape).toEqual([5, 1])
    const context = inMemory({ train: { x: value([4, 5], [2, 1]) } })
    expect((await feed({ context, points: 'context', contextSize: 6 }))['x']!.shape).toEqual([6, 1])
  })

  it('options contradict one another in words', () => {
    expect(lmapOptions.safeParse({ lambda: 1, epsilon: 1 }).success).toBe(false)
    expect(lmapOptions.safeParse({ points: 'context' }).success).toBe(false)
    expect(fsMapOptions.safeParse({ points: 'noise', context: line }).success).toBe(false)
  })
})

const rows = (n: number) =>
  value(
    Array.from({ length: n }, (_, i) => i),
    [n],
    'int32',
  )
