import { hostKey, type Engine, type Problem, type Values } from 'ockham'
import type { Scalar } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { klInverse } from '../../parts/bounds/index.js'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { flat } from '../../parts/priors/index.js'
import { adam, adamOptions, mapOptions, maximumAPosteriori, value, type MapOptions } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { klOf, minimised, pacBayes, pacBayesBound, pacBayesOptions, type BoundName, type PacBayesPosterior } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

describe('what is minimised', () => {
  const at = async (name: BoundName, loss: number, b: number): Promise<{ value: number; byLoss: number; byB: number }> => {
    const program = engine.compile(
      (a: { loss: Scalar; b: Scalar; name: BoundName }) => {
        const { value: v, grads } = engine.valueAndGrad(
          (p) => ({ value: minimised(a.name, p['loss'] as Scalar, p['b'] as Scalar, engine), aux: null }),
          {
            loss: a.loss,
            b: a.b,
          },
        )
        return { v, byLoss: grads['loss']!, byB: grads['b']! }
      },
      { precision: 'float64' },
    )
    const found = await program({ loss: value([loss], [], 'float64'), b: value([b], [], 'float64'), name })
    program.dispose()
    return { value: found.v.data[0]!, byLoss: found.byLoss.data[0]!, byB: found.byB.data[0]! }
  }

  it.each([
    [0.02, 0.001],
    [0.1, 0.05],
    [0.4, 0.3],
    [0.001, 0.2],
  ])('the inverse of kl and its slopes, at L = %f, B = %f', async (loss, b) => {
    const found = await at('pac-bayes-kl', loss, b)
    expect(found.value).toBeCloseTo(klInverse(loss, b), 6)
    const step = 1e-6
    expect(found.byLoss).toBeCloseTo((klInverse(loss + step, b) - klInverse(loss - step, b)) / (2 * step), 3)
    expect(found.byB).toBeCloseTo((klInverse(loss, b + step) - klInverse(loss, b - step)) / (2 * step), 3)
  })

  it('the closed forms', async () => {
    expect((await at('mcallester', 0.1, 0.02)).value).toBeCloseTo(0.2, 9)
    expect((await at('quadratic', 0.1, 0.02)).value).toBeCloseTo((Math.sqrt(0.11) + 0.1) ** 2, 9)
  })
})

describe('a certificate', () => {
  const rows = (n: number, seed: number, shuffle = false): Values => {
    const x = hostKey(seed).normal([n, 2])
    const coins = hostKey(seed + 1).integers([n], 2).data
    const y = Int32Array.from({ length: n }, (_, i) => (shuffle ? coins[i]! : x.data[2 * i]! > 0 ? 1 : 0))
    return { x, y: { shape: [n], dtype: 'int32', data: y } }
  }
  const problemOf = (train: Values): Problem => ({
    model: mlp(mlpOptions.parse({ hidden: [8] })),
    dataset: inMemory({ train }, { classes: ['left', 'right'] }),
    objective: crossEntropy(),
    prior: flat(),
    examples: train['y']!.shape[0]!,
  })
  const make = (more: object = {}) => {
    const optimizer = adam(adamOptions.parse({ learningRate: 0.01 }))
    const prior = maximumAPosteriori({ ...mapOptions.parse({ epochs: 10, batchSize: 50 }), optimizer } as MapOptions, { engine })
    return pacBayes({ ...pacBayesOptions.parse({ epochs: 3, batchSize: 50, draws: 5, ...more }), prior, optimizer: undefined }, { engine })
  }
  const certify = (posterior: PacBayesPosterior, problem: Problem) =>
    pacBayesBound({ repeats: 3, choices: 4, sampling: 0.2 }, { dataset: problem.dataset }).certify(
      posterior,
      problem,
      testRun(engine).run,
      0.05,
    )

  it('is above the error on fresh data, and follows from its terms', async () => {
    const problem = problemOf(rows(2000, 1))
    const posterior = (await make().infer(problem, testRun(engine).run)) as PacBayesPosterior
    const found = await certify(posterior, problem)
    const { n, draws, rate, sampling, kl, errors } = found.terms as Record<string, number>
    expect([n, draws]).toEqual([1000, 3000])
    expect(rate).toBe(errors! / draws!)
    expect(kl).toBeCloseTo(klOf(posterior.pacBayes), 9)
    expect(kl).toBeGreaterThan(0)
    expect(sampling).toBeCloseTo(klInverse(rate!, Math.log(1 / 0.01) / 3000) - rate!, 9)
    expect(found.value).toBeCloseTo(klInverse(rate! + sampling!, (kl! + Math.log(4) + Math.log((2 * Math.sqrt(n!)) / 0.04)) / n!), 9)
    expect(found.vacuous).toBe(false)
    const fresh = rows(4000, 9)
    const p = await posterior.predict({ x: fresh['x']! })
    if (p.kind !== 'categorical') throw new Error('classes')
    const wrong = Array.from(fresh['y']!.data).filter((label, i) => p.probabilities.data[2 * i + label]! < 0.5).length / 4000
    expect(found.value).toBeGreaterThan(wrong)
    expect(found.value).toBeLessThan(0.1)
    // The same after it was saved.
    const again = (await make().restore(posterior.save(), problem)) as PacBayesPosterior
    expect((await certify(again, problem)).value).toBe(found.value)
  }, 30_000)

  it('says nothing much about labels that are coins', async () => {
    const problem = problemOf(rows(1000, 3, true))
    const posterior = (await make().infer(problem, testRun(engine).run)) as PacBayesPosterior
    expect((await certify(posterior, problem)).value).toBeGreaterThan(0.45)
  }, 30_000)

  it('wants a posterior of its own kind', async () => {
    const problem = problemOf(rows(100, 5))
    const plain = await maximumAPosteriori(mapOptions.parse({ epochs: 1 }) as MapOptions, { engine }).infer(problem, testRun(engine).run)
    const bound = pacBayesBound({ repeats: 1, choices: 1, sampling: 0.2 }, { dataset: problem.dataset })
    await expect(bound.certify(plain, problem, testRun(engine).run, 0.05)).rejects.toThrow('OCK-VARIATIONAL-003')
  })
})
