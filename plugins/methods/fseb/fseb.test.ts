/* Golden numbers T1–T8 were computed outside this code from the formulas of the paper. */
import { hostKey, type Engine, type Key, type Problem, type Tensors, type Value } from 'ockham'
import { type Scalar, type Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { cholesky, logDeterminant, matrix, product, solveSpd } from '../../parts/linalg/index.js'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { crossEntropy, gaussian } from '../../parts/objectives/index.js'
import { flat, normal } from '../../parts/priors/index.js'
import { adam, adamOptions, descend, jointPass, sgd, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { covariance, functionEnergy } from './covariance.js'
import { fseb } from './fseb.js'
import { fsebOptions, strengths } from './options.js'
import { fixed, options, rows, stepOf } from './testing.js'

const H = [
  [1, 0],
  [0, 1],
  [1, 1],
]
const F = [
  [1, -1],
  [0.5, 0],
  [2, 1],
]
const parameters = 4 / (2 * 0.1)
const batch = rows(F.slice(0, 2), H.slice(0, 2))
const context = rows(F.slice(2), H.slice(2))

/** Quadratic forms by another route: K from its definition, solved in float64. */
const byHand = (f: number[][], h: number[][], s: number, beta: number): number => {
  const n = f.length
  const k = matrix([n, n])
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) k.data[i * n + j] = s * (h[i]!.reduce((sum, a, d) => sum + a * h[j]![d]!, 0) + 1) + (i === j ? beta : 0)
  const columns = matrix([n, f[0]!.length], f.flat())
  return Array.from(solveSpd(k, columns).data).reduce((sum, w, i) => sum + w * columns.data[i]!, 0) / 2
}

describe.each(Object.entries(engines))('fseb on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const energyOf = (f: Value, h: Value, mask: Value, s: number, beta: number) =>
    engine.compile((a: { f: Tensor; h: Tensor; mask: Tensor }) => ({ e: functionEnergy(engine, a.f, a.h, a.mask, s, beta) }))({
      f,
      h,
      mask,
    })

  it('T1: covariance, its determinant and the density', async () => {
    const ones = value([1, 1, 1], [3, 1])
    const { k } = await engine.compile((a: { h: Tensor; mask: Tensor }) => ({ k: covariance(a.h, a.mask, 0.5, 2) }))({
      h: value(H.flat(), [3, 2]),
      mask: ones,
    })
    expect(Array.from(k.data)).toEqual([3, 0.5, 1, 0.5, 3, 1, 1, 1, 3.5])
    const logDet = logDeterminant(cholesky(k))
    expect(logDet).toBeCloseTo(3.2435684375, 9)
    const { e } = await energyOf(value(F.flat(), [3, 2]), value(H.flat(), [3, 2]), ones, 0.5, 2)
    expect(e.data[0]! * 2).toBeCloseTo(1.2146341463 + 0.9073170732, 6)
    expect(e.data[0]! + logDet + 3 * Math.log(2 * Math.PI)).toBeCloseTo(9.8181752464, 5)
  })

  it('T2: the whole loss of a step', async () => {
    const { loss, energy, total } = await stepOf(engine, options({ context: fixed(context) }), batch, [0, 1], [1, 1])
    expect(loss).toBeCloseTo(0.5505024976, 6)
    expect(energy).toBeCloseTo(1.0609756098 + parameters, 5)
    expect(total).toBeCloseTo(0.7611122537, 6)
  })

  it('T3: the symbols of the paper mean the same density', async () => {
    const paper = { tauF: 0.5, beta: 3, tauTheta: 10 }
    const { energy } = await stepOf(engine, options({ context: fixed(context), parametrisation: paper }), batch, [0, 1], [1, 1])
    // ½ τ_f f'ᵀ (H̃H̃ᵀ + β' I)⁻¹ f + ½ τ_θ ‖θ‖²
    expect(energy).toBeCloseTo(0.5 * byHand(F, H, 1, 3) + 0.5 * 10 * 4, 5)
    expect(strengths({ covScale: 0.01, covDiag: 1, priorVar: 0.1, parametrisation: { tauF: 100, beta: 100, tauTheta: 10 } })).toEqual({
      covScale: 0.01,
      covDiag: 1,
      priorVar: 0.1,
    })
  })

  const line = inMemory({ train: { x: value([-1, 0, 2], [3, 1]), y: value([0.5, 1, 2.5], [3, 1]) } })
  const points = value([-3, 4], [2, 1])
  const linear = (prior: Problem['prior']): Problem => ({
    model: mlp(mlpOptions.parse({ hidden: [] })),
    dataset: line,
    objective: gaussian({ noise: 0.5 }),
    prior,
    examples: 3,
  })
  const descent = { optimizer: sgd({ learningRate: 0.05, momentum: 0.9, nesterov: false }), steps: 250, size: 3 }
  const fitted = async (prior: Problem['prior']): Promise<number[]> => {
    const { params } = (await descend(linear(prior), testRun(engine).run, descent)).vars
    return [params['head.bias']!.data[0]!, params['head.kernel']!.data[0]!]
  }

  it('T4: a trained linear network is at the closed-form mode', async () => {
    const prior = fseb(options({ context: fixed(points), points: 'context', priorVar: 1 }))
    expect(await fitted(prior)).toEqual([expect.closeTo(0.988891, 4), expect.closeTo(0.616071, 4)])
    expect(await fitted(normal({ scale: 1 }))).toEqual([expect.closeTo(1.027237, 4), expect.closeTo(0.661479, 4)])
  })

  /** The precision that context points x add to the weights [bias, slope] of a linear network. */
  const added = async (x: number[]): Promise<[number, number, number]> => {
    const n = x.length
    const h = value(x, [n, 1])
    const at = async (bias: number, slope: number): Promise<number> => {
      const f = value(
        x.map((v) => bias + slope * v),
        [n, 1],
      )
      return 2 * (await energyOf(f, h, value(Array(n).fill(1) as number[], [n, 1]), 0.5, 2)).e.data[0]!
    }
    const [a, c, both] = [await at(1, 0), await at(0, 1), await at(1, 1)]
    return [a, (both - a - c) / 2, c]
  }

  it('T5: the evidence of context points is bounded by 1/s', async () => {
    expect(await added([-3, 4])).toEqual([expect.closeTo(0.65896, 5), expect.closeTo(0.046243, 5), expect.closeTo(1.722543, 5)])
    const [a, b, c] = await added(Array.from({ length: 150 }, (_, i) => (i % 2 ? 4 : -3)))
    const largest = (a + c) / 2 + Math.sqrt(((a - c) / 2) ** 2 + b * b)
    expect(largest).toBeGreaterThan(1.99)
    expect(largest).toBeLessThan(2)
  })

  it('T6: limits and symmetries', async () => {
    const energy = async (f: number[][], h: number[][], s: number, beta: number): Promise<number> => {
      const n = f.length
      return (await energyOf(value(f.flat(), [n, 2]), value(h.flat(), [n, 2]), value(Array(n).fill(1) as number[], [n, 1]), s, beta)).e
        .data[0]!
    }
    const norm = F.flat().reduce((sum, x) => sum + x * x, 0)
    expect(await energy(F, H, 0, 2)).toBeCloseTo(norm / 4, 5)
    expect(await energy(F, H, 0.5, 1e8)).toBeLessThan(1e-7)
    const base = await energy(F, H, 0.5, 2)
    expect(await energy([F[2]!, F[0]!, F[1]!], [H[2]!, H[0]!, H[1]!], 0.5, 2)).toBeCloseTo(base, 6)
    expect(
      await energy(
        F.map(([a, b]) => [b!, a!]),
        H,
        0.5,
        2,
      ),
    ).toBeCloseTo(base, 6)
    const twice = await energy([...F, F[2]!], [...H, H[2]!], 0.5, 2)
    expect(twice).toBeCloseTo(byHand([...F, F[2]!], [...H, H[2]!], 0.5, 2), 5)
  })

  it('T6: without context points, points: context is a normal prior', async () => {
    const bare = await fitted(fseb(options({ context: fixed(points), points: 'context', contextSize: 0, priorVar: 1 })))
    const map = await fitted(normal({ scale: 1 }))
    expect(bare).toEqual(map.map((w) => expect.closeTo(w, 6)))
  })

  it('T7: the energy of draws from N(0, K) is n/2 on average', async () => {
    const n = 6
    const draws = 20_000
    const h = hostKey(5).normal([n, 2])
    const k = matrix([n, n])
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        k.data[i * n + j] = 0.5 * (h.data[2 * i]! * h.data[2 * j]! + h.data[2 * i + 1]! * h.data[2 * j + 1]! + 1) + (i === j ? 0.3 : 0)
    const f = product(cholesky(k), hostKey(6).normal([n, draws]))
    const { e } = await energyOf(value(f.data, [n, draws]), h, value([1, 1, 1, 1, 1, 1], [n, 1]), 0.5, 0.3)
    // Standard error √(2n/draws) = 0.024.
    expect(Math.abs((2 * e.data[0]!) / draws - n)).toBeLessThan(0.1)
  })

  const spiral = inMemory(
    { train: { x: value(hostKey(1).normal([8, 2]).data, [8, 2]), y: value([0, 1, 2, 0, 1, 2, 0, 1], [8], 'int32') } },
    { classes: ['a', 'b', 'c'] },
  )
  const small: Problem = {
    model: mlp(mlpOptions.parse({ hidden: [4], activation: 'tanh' })),
    dataset: spiral,
    objective: crossEntropy(),
    prior: fseb(options({ context: inMemory({ train: { x: value(hostKey(2).normal([20, 2]).data, [20, 2]) } }), contextSize: 5 })),
    examples: 8,
  }

  it('T8: the gradient of the energy is that with K held fixed, and none reaches φ0', async () => {
    const vars = await small.model.init(hostKey(3), spiral.meta)
    const { params } = vars as { params: Readonly<Record<string, Value>> }
    const start = (await small.model.init(hostKey(4), spiral.meta)) as { params: Readonly<Record<string, Value>> }
    const memory = await small.prior.init!(small, { params: start.params, frozen: {}, state: {} }, hostKey(0))
    const feed = await small.prior.feed!(0, hostKey(0), small)
    const { x, y } = spiral.read('train', value([0, 1, 2, 3], [4], 'int32')) as { x: Value; y: Value }
    const program = engine.compile(
      (a: {
        params: Tensors
        memory: Tensors
        feed: Tensors
        x: Tensor
        y: Tensor
        weight: Tensor
        index: Tensor
        key: Key
        progress: Scalar
      }) => {
        const all = { ...Object.fromEntries(Object.entries(a.params).map(([n, t]) => [`p.${n}`, t])), ...a.memory }
        const { value: energy, grads } = engine.valueAndGrad((p) => {
          const own = Object.fromEntries(Object.keys(a.params).map((n) => [n, p[`p.${n}`]!]))
          const frozen = Object.fromEntries(Object.keys(a.memory).map((n) => [n, p[n]!]))
          const pass = jointPass(small, {
            vars: { params: own, frozen: {}, state: {} },
            batch: { x: a.x, y: a.y, weight: a.weight, index: a.index },
            memory: { objective: {}, prior: frozen },
            feed: { objective: {}, prior: a.feed },
            key: a.key,
            engine,
            progress: a.progress,
          })
          return { value: pass.energy, aux: null }
        }, all)
        return { energy, grads }
      },
      engine.capabilities.has('float64') ? { precision: 'float64' } : {},
    )
    const at = (p: Readonly<Record<string, Value>>) =>
      program({
        params: p,
        memory,
        feed,
        x,
        y,
        weight: value([1, 1, 1, 1]),
        index: value([0, 1, 2, 3], [4], 'int32'),
        key: hostKey(0),
        progress: 0,
      })
    const { grads } = await at(params)
    const exact = engine.capabilities.has('float64')
    const h = exact ? 1e-5 : 1e-2
    for (const [name, p] of Object.entries(params))
      for (const i of [0, p.data.length - 1]) {
        const moved = (by: number): Value => {
          const data = Float64Array.from(p.data)
          data[i] = data[i]! + by
          return { ...p, dtype: 'float64', data }
        }
        const [up, down] = [await at({ ...params, [name]: moved(h) }), await at({ ...params, [name]: moved(-h) })]
        const numeric = (up.energy.data[0]! - down.energy.data[0]!) / (2 * h)
        expect(grads[`p.${name}`]!.data[i]).toBeCloseTo(numeric, exact ? 6 : 2)
      }
    for (const name of Object.keys(memory)) expect(Array.from(grads[name]!.data).every((g) => g === 0)).toBe(true)
  })

  it('T8: φ0 is bit-identical after training, while the weights move', async () => {
    const { vars, memory } = await descend(small, testRun(engine).run, { optimizer: adam(adamOptions.parse({})), steps: 5, size: 4 })
    const start = (await small.model.init(testRun(engine).run.key.fold('init').fold('model'), spiral.meta)) as {
      params: Readonly<Record<string, Value>>
    }
    for (const [name, { data }] of Object.entries(start.params)) {
      expect(memory.prior[`phi0.${name}`]!.data).toEqual(data)
      expect(vars.params[name]!.data).not.toEqual(data)
    }
  })

  it('padding of a short batch is not a point of the function', async () => {
    const padded = rows([F[0]!, [7, -9]], [H[0]!, [5, 5]])
    const { energy } = await stepOf(engine, options({ context: fixed(context) }), padded, [0, 1], [1, 0])
    expect(energy).toBeCloseTo(byHand([F[0]!, F[2]!], [H[0]!, H[2]!], 0.5, 2) + parameters, 5)
  })

  it('does not change which rows the training sees', async () => {
    const seen = async (prior: Problem['prior']): Promise<number[][]> => {
      const indices: number[][] = []
      const dataset = {
        ...spiral,
        read: (...all: Parameters<typeof spiral.read>) => (indices.push(Array.from(all[1].data)), spiral.read(...all)),
      }
      await descend({ ...small, dataset, prior }, testRun(engine).run, { optimizer: adam(adamOptions.parse({})), steps: 4, size: 4 })
      return indices.slice(0, 4)
    }
    expect(await seen(small.prior)).toEqual(await seen(flat()))
  })
})

it('context points change from step to step, are those of the key, and come without labels', async () => {
  const keys: boolean[] = []
  const dataset = inMemory({
    train: {
      x: value(
        Array.from({ length: 50 }, (_, i) => i),
        [50, 1],
      ),
      y: value(new Float32Array(50), [50, 1]),
    },
  })
  const watched = { ...dataset, read: (...all: Parameters<typeof dataset.read>) => (keys.push(all[2] !== undefined), dataset.read(...all)) }
  const prior = fseb(options({ context: watched, contextSize: 6 }))
  const problem = { dataset } as unknown as Problem
  const drawn = async (step: number) => (await prior.feed!(step, hostKey(1), problem))['x']!.data
  expect(await drawn(0)).toEqual(await drawn(0))
  expect(await drawn(1)).not.toEqual(await drawn(0))
  expect(Object.keys(await prior.feed!(0, hostKey(1), problem))).toEqual(['x'])
  expect(keys.every(Boolean)).toBe(true)
})

it('options take one parametrisation, not both', () => {
  const context = fixed(value([0], [1, 1]))
  const paper = { tauF: 1, beta: 1, tauTheta: 1 }
  expect(fsebOptions.safeParse({ context, parametrisation: paper }).success).toBe(true)
  expect(fsebOptions.safeParse({ context, parametrisation: paper, covScale: 0.5 }).success).toBe(false)
  expect(fsebOptions.parse({ context })).toMatchObject({ contextSize: 128, points: 'joint', covScale: 0.01, covDiag: 1, priorVar: 0.1 })
})
