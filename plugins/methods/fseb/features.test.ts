/* What fseb can do beside its defaults: points, features, batch norm, Woodbury, prior mean, samples, kernels. */
import type { Engine, Problem, Value, Values } from 'ockham'
import { hostKey } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions, resnet, resnetOptions } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { adam, adamOptions, descend, fromWeights, pointMass, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { precisionOf, rbf } from './covariance.js'
import { fseb } from './fseb.js'
import { fsebOptions } from './options.js'
import { fixed, options, rows, stepOf } from './testing.js'

const F = [
  [1, -1],
  [0.5, 0],
  [2, 1],
]
const H = [
  [1, 0],
  [0, 1],
  [1, 1],
]
const batch = rows(F.slice(0, 2), H.slice(0, 2))
const context = rows(F.slice(2), H.slice(2))
/** ‖θ‖²/2v of the test problem, θ = [2]. */
const parameters = 20

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})

const energyOf = async (given: Partial<Parameters<typeof options>[0]>): Promise<number> =>
  (await stepOf(engine, options({ context: fixed(context), ...given }), batch, [0, 1], [1, 1])).energy

describe('where the function is looked at', () => {
  it('points: train is the batch alone, and needs no context', async () => {
    const alone = fsebOptions.parse({ points: 'train', covScale: 0.5, covDiag: 2 })
    const { energy } = await stepOf(engine, alone as Parameters<typeof stepOf>[1], batch, [0, 1], [1, 1])
    // K = [[3, .5], [.5, 3]]: f₁ = (1, .5), f₂ = (−1, 0).
    const inverse = (a: number, b: number) => (3 * a * a - a * b + 3 * b * b) / 8.75
    expect(energy).toBeCloseTo(0.5 * (inverse(1, 0.5) + inverse(-1, 0)) + parameters, 5)
    expect(fsebOptions.safeParse({ points: 'joint' }).success).toBe(false)
  })

  it('several samples are the mean over context sets', async () => {
    const other = rows([[-1, 3]], [[0.5, 2]])
    const both = rows(
      [
        [2, 1],
        [-1, 3],
      ],
      [
        [1, 1],
        [0.5, 2],
      ],
    )
    const [first, second] = [await energyOf({}), await energyOf({ context: fixed(other) })]
    const together = await energyOf({ context: fixed(both), contextSize: 1, mcSamples: 2 })
    expect(together).toBeCloseTo((first + second) / 2, 5)
  })
})

describe('covariance', () => {
  const n = 40
  const h = hostKey(1).normal([n, 3])
  const mask = value(
    Array.from({ length: n }, (_, i) => (i % 7 === 6 ? 0 : 1)),
    [n, 1],
  )
  const precision = (kernel?: Parameters<typeof precisionOf>[5], precision: 'float32' | 'float64' = 'float32') =>
    engine.compile((a: { h: Tensor; mask: Tensor }) => ({ w: precisionOf(engine, a.h, a.mask, 0.5, 2, kernel) }), { precision })({
      h,
      mask,
    })
  /** (s H̃H̃ᵀ + βI) W for what should be its inverse. */
  const check = (w: Value): number => {
    const k = (i: number, j: number): number => {
      const shared = 1 + [0, 1, 2].reduce((s, d) => s + h.data[3 * i + d]! * h.data[3 * j + d]!, 0)
      return (i === j ? 2 : 0) + 0.5 * shared * mask.data[i]! * mask.data[j]!
    }
    let worst = 0
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = i === j ? -1 : 0
        for (let l = 0; l < n; l++) sum += k(i, l) * w.data[l * n + j]!
        worst = Math.max(worst, Math.abs(sum))
      }
    return worst
  }

  it('T9: by features (Woodbury) is by points, to 1e-5', async () => {
    const direct = (features: Tensor): Tensor => {
      const lifted = tf.concat([features, tf.ones([n, 1])], 1)
      return lifted.matMul(lifted, false, true)
    }
    const [few, many] = [await precision(), await precision(direct)]
    expect(check(few.w)).toBeLessThan(1e-4)
    const size = Math.max(...Array.from(many.w.data, Math.abs))
    few.w.data.forEach((w: number, i: number) => expect(Math.abs(w - many.w.data[i]!)).toBeLessThan(1e-5 * size))
    expect(check((await precision(undefined, 'float64')).w)).toBeLessThan(1e-10)
  })

  it('kernels: rbf by name with a length scale, and any function of the features', async () => {
    // Between h = (1, 0), (0, 1) and (1, 1), D = 2: exp(−2/4), exp(−1/4).
    const k = await engine.compile((a: { h: Tensor }) => ({ k: rbf(1)(a.h) }))({ h: value(H.flat(), [3, 2]) })
    expect(k.k.data[1]).toBeCloseTo(Math.exp(-0.5), 6)
    expect(k.k.data[2]).toBeCloseTo(Math.exp(-0.25), 6)
    const named = await energyOf({ contextKernel: 'rbf', lengthscale: 2 })
    expect(await energyOf({ contextKernel: rbf(2) })).toBeCloseTo(named, 6)
    expect(named).not.toBeCloseTo(await energyOf({ contextKernel: 'rbf' }), 3)
  })
})

const spiral = inMemory(
  { train: { x: value(hostKey(1).normal([8, 2]).data, [8, 2]), y: value([0, 1, 2, 0, 1, 2, 0, 1], [8], 'int32') } },
  { classes: ['a', 'b', 'c'] },
)
const elsewhere = inMemory({ train: { x: value(hostKey(2).normal([20, 2]).data, [20, 2]) } })
const small = (prior: Problem['prior']): Problem => ({
  model: mlp(mlpOptions.parse({ hidden: [4], activation: 'tanh' })),
  dataset: spiral,
  objective: crossEntropy(),
  prior,
  examples: 8,
})
const trained = (problem: Problem, steps = 3) =>
  descend(problem, testRun(engine).run, { optimizer: adam(adamOptions.parse({})), steps, size: 8 })

describe('features of φ0', () => {
  it('are of fresh weights, of the start, or of the initial posterior', async () => {
    const of = async (given: object, initial?: Values): Promise<Value> => {
      const problem = small(fseb(options({ context: elsewhere, contextSize: 4, ...given })))
      const start = initial && fromWeights(problem, engine, pointMass({ params: initial, frozen: {}, state: {} }))
      const { memory } = await trained({ ...problem, ...(start && { initial: start }) }, 1)
      return memory.prior['phi0.head.kernel']!
    }
    const { params } = (await small(normal({ scale: 1 })).model.init(hostKey(9), spiral.meta)) as { params: Values }
    expect((await of({}, params)).data).toEqual(params['head.kernel']!.data)
    const fresh = await of({ phi0: 'fresh' }, params)
    expect(fresh.data).not.toEqual(params['head.kernel']!.data)
    expect((await of({})).data).not.toEqual(fresh.data)
  })

  it('priorMean: phi0 has no energy where training starts, and a gradient afterwards', async () => {
    const energies: number[] = []
    const { run, events } = testRun(engine)
    const prior = fseb(options({ context: elsewhere, contextSize: 4, priorMean: 'phi0' }))
    await descend(small(prior), run, { optimizer: adam(adamOptions.parse({ learningRate: 0.1 })), steps: 3, size: 8 })
    for (const event of events) if (event.type === 'step') energies.push(event.values['energy']!)
    expect(Math.abs(energies[0]!)).toBeLessThan(1e-6)
    expect(energies[1]).toBeGreaterThan(1e-3)
  })

  it('weights may be scattered at the function term', async () => {
    const of = async (posteriorStd: number) => {
      const { run, events } = testRun(engine)
      const prior = fseb(options({ context: elsewhere, contextSize: 4, posteriorStd, mcSamples: 2 }))
      await descend(small(prior), run, { optimizer: adam(adamOptions.parse({})), steps: 1, size: 8 })
      return events.flatMap((e) => (e.type === 'step' ? [e.values['energy']!] : []))[0]!
    }
    const still = await of(0)
    expect(await of(1e-6)).toBeCloseTo(still, 3)
    expect(await of(1)).toBeGreaterThan(still)
  })
})

describe('batch norm', () => {
  const pictures = (n: number, seed: number) => value(hostKey(seed).normal([n, 8, 8, 1]).data, [n, 8, 8, 1])
  const dataset = inMemory({ train: { x: pictures(8, 1), y: value([0, 1, 0, 1, 0, 1, 0, 1], [8], 'int32') } }, { classes: ['a', 'b'] })
  const shifted = pictures(16, 2)
  const far = inMemory({
    train: {
      x: value(
        shifted.data.map((v: number) => 3 * v + 5),
        shifted.shape,
      ),
    },
  })
  const of = async (bn: string) => {
    const prior = fseb(options({ context: far, contextSize: 8, bn } as Parameters<typeof options>[0]))
    const problem: Problem = {
      model: resnet(resnetOptions.parse({ depth: 20, width: 2 })),
      dataset,
      objective: crossEntropy(),
      prior,
      examples: 8,
    }
    return trained(problem, 2)
  }
  const running = async (bn: string): Promise<number> => (await of(bn)).vars.state['stem.norm.mean']!.data[0]!

  it('joint moments are of batch and context, those of separate and frozen passes of the batch', async () => {
    const plain = (
      await trained(
        {
          model: resnet(resnetOptions.parse({ depth: 20, width: 2 })),
          dataset,
          objective: crossEntropy(),
          prior: normal({ scale: 1 }),
          examples: 8,
        },
        1,
      )
    ).vars.state['stem.norm.mean']!.data[0]!
    const [joint, separate, frozen] = [await running('joint'), await running('separate'), await running('frozen')]
    expect(Math.abs(joint - plain)).toBeGreaterThan(0.01)
    expect(separate).toBeCloseTo(frozen, 3)
    expect(Math.abs(separate - frozen)).toBeLessThan(Math.abs(joint - frozen) / 3)
  })

  it('frozen features keep the moments of φ0', async () => {
    const { memory } = await of('frozen')
    expect(Array.from(memory.prior['phi0-state.stem.norm.variance']!.data)).toEqual([1, 1])
  })
})
