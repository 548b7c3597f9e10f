/* Logistic regression with one weight, brief section 1.4: the posterior is skewed, so that Laplace's is not it, and small enough for sums over a grid. */
import type { Engine, Model, Problem, Value } from 'ockham'
import { hostKey } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { steinDiscrepancy } from '../../parts/chains/index.js'
import { dense } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { nuts, nutsOptions, type NutsOptions } from './index.js'
import { potentialOf } from './potential.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

const column = (x: readonly number[]): Value => value(x, [x.length, 1])
const vars = { params: { 'w.kernel': column([0]) }, frozen: {}, state: {} }
/** Logits (0, w x). */
const model: Model = {
  init: () => vars,
  apply: (held, x, call) => {
    const f = dense(held, 'w', x as Tensor, call)
    return tf.concat([tf.zerosLike(f), f], 1)
  },
}
const precision = 0.5
const problem: Problem = {
  model,
  dataset: inMemory({ train: { x: column([-2, -1, 0.5, 1, 2]), y: value([0, 0, 1, 0, 1], [5], 'int32') } }, { classes: ['0', '1'] }),
  objective: crossEntropy(),
  prior: normal({ scale: 1 / Math.sqrt(precision) }),
  examples: 5,
}

describe('logistic regression with one weight', () => {
  it('the energy, summed over a grid: evidence, mean and variance', async () => {
    const { potential, dispose } = await potentialOf(problem, engine, vars, { size: 100, temperature: 1 })
    let [mass, first, second] = [0, 0, 0]
    const step = 0.02
    for (let w = -5; w <= 9; w += step) {
      const density = Math.exp(-(await potential(Float64Array.of(w))).energy) * step
      ;[mass, first, second] = [mass + density, first + density * w, second + density * w * w]
    }
    dispose()
    // Energies leave the prior's normaliser out.
    expect(Math.log(mass) + Math.log(precision / (2 * Math.PI)) / 2).toBeCloseTo(-3.2473195435, 5)
    expect(first / mass).toBeCloseTo(1.0192988357, 5)
    expect(second / mass - (first / mass) ** 2).toBeCloseTo(0.5767393854, 5)
  })

  it('nuts: mean, variance and predictions, which those of Laplace are not', async () => {
    const options = nutsOptions.parse({ warmup: 200, draws: 3000, chains: 4 }) as NutsOptions
    const posterior = await nuts(options, { engine }).infer(problem, testRun(engine).run)
    const draws = Object.entries(posterior.save().values).flatMap(([name, v]) => (name.endsWith('w.kernel') ? [v.data[0]!] : []))
    expect(draws.length).toBe(3000)
    const mean = draws.reduce((a, b) => a + b) / 3000
    // Five standard errors of some 1000 independent draws; Laplace has mean 0.845 and variance 0.492.
    expect(Math.abs(mean - 1.0192988357)).toBeLessThan(5 * Math.sqrt(0.577 / 1000))
    expect(Math.abs(draws.reduce((s, w) => s + (w - mean) ** 2, 0) / 3000 / 0.5767393854 - 1)).toBeLessThan(0.13)
    const p = await posterior.predict({ x: column([1.5, 4]) })
    if (p.kind !== 'categorical') throw new Error('classes')
    // Laplace's integrals are 0.7391 and 0.8459.
    expect(Math.abs(p.probabilities.data[1]! - 0.7733776364)).toBeLessThan(0.015)
    expect(Math.abs(p.probabilities.data[3]! - 0.883898528)).toBeLessThan(0.015)
    const { potential, dispose } = await potentialOf(problem, engine, vars, { size: 100, temperature: 1 })
    const apart = async (of: readonly number[]): Promise<number> => {
      const scores: Float64Array[] = []
      for (const w of of) scores.push((await potential(Float64Array.of(w))).gradient.map((g) => -g))
      return steinDiscrepancy(
        of.map((w) => [w]),
        scores,
      )
    }
    const ofLaplace = Array.from(hostKey(1).normal([600]).data, (z) => 0.8447678872 + Math.sqrt(0.4919729728) * z)
    expect(await apart(draws.filter((_, i) => i % 5 === 0))).toBeLessThan(0.6 * (await apart(ofLaplace)))
    dispose()
  }, 60_000)
})
