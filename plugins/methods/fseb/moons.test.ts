/* Two moons: the far field must become uncertain with context points, and is not without. */
import { hostKey, type Engine, type Posterior, type Prediction, type Problem, type Values } from 'ockham'
import { beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { adam, descend, fromWeights, pointMass, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { fseb } from './fseb.js'

/** Two interleaving half circles of radius 1 with normal noise of standard deviation 0.2. */
function moons(n: number, seed: number): Values {
  const key = hostKey(seed)
  const angle = key.fold('angle').uniform([n]).data
  const noise = key.fold('noise').normal([n, 2]).data
  const label = Int32Array.from({ length: n }, (_, i) => i % 2)
  const x = Float32Array.from({ length: 2 * n }, (_, k) => {
    const i = k >> 1
    const t = Math.PI * angle[i]!
    const clean = label[i] === 0 ? [Math.cos(t), Math.sin(t)] : [1 - Math.cos(t), 0.5 - Math.sin(t)]
    return clean[k & 1]! + 0.2 * noise[k]!
  })
  return { x: value(x, [n, 2]), y: value(label, [n], 'int32') }
}

/** A 100 × 100 grid over the range of the points and 5 beyond. */
function grid({ data }: Values[string]): Values {
  const range = [0, 1].map((axis) => {
    const along = Array.from(data).filter((_, i) => (i & 1) === axis)
    return [Math.min(...along) - 5, Math.max(...along) + 5] as const
  })
  const at = (axis: number, i: number): number => range[axis]![0] + ((range[axis]![1] - range[axis]![0]) * i) / 99
  return {
    x: value(
      Array.from({ length: 20_000 }, (_, k) => at(k & 1, k & 1 ? Math.floor((k >> 1) / 100) : (k >> 1) % 100)),
      [10_000, 2],
    ),
  }
}

/** 200 points on the circle of radius 5 about the middle of the moons. */
const ring: Values = {
  x: value(
    Array.from({ length: 400 }, (_, k) => {
      const t = (2 * Math.PI * (k >> 1)) / 200
      return k & 1 ? 0.25 + 5 * Math.sin(t) : 0.5 + 5 * Math.cos(t)
    }),
    [200, 2],
  ),
}

const entropies = (p: Prediction): number[] => {
  const { data } = (p as Extract<Prediction, { kind: 'categorical' }>).probabilities
  return Array.from(
    { length: data.length / 2 },
    (_, i) => -[data[2 * i]!, data[2 * i + 1]!].reduce((sum, q) => sum + (q > 0 ? q * Math.log(q) : 0), 0),
  )
}

const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length

/** Probability that an outside point is more uncertain than an inside one, ties counted half. */
const auroc = (inside: readonly number[], outside: readonly number[]): number =>
  mean(outside.map((o) => mean(inside.map((i) => (o > i ? 1 : o === i ? 0.5 : 0)))))

describe('two moons', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await engines['onnxruntime']!()
  })
  const train = moons(200, 1)
  const dataset = inMemory({ train }, { classes: ['upper', 'lower'] })
  const test = moons(1000, 2)

  const fit = async (prior: Problem['prior']): Promise<{ accuracy: number; ring: number; auroc: number }> => {
    const problem: Problem = {
      model: mlp(mlpOptions.parse({ hidden: [200, 200], activation: 'tanh', init: 'lecun' })),
      dataset,
      objective: crossEntropy(),
      prior,
      examples: 200,
    }
    const optimizer = adam({ learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })
    const { vars } = await descend(problem, testRun(engine).run, {
      optimizer,
      steps: 600,
      size: 200,
      schedule: { kind: 'cosine', warmup: 0, floor: 0 },
    })
    const posterior: Posterior = fromWeights(problem, engine, pointMass(vars))
    const p = (await posterior.predict({ x: test['x']! })) as Extract<Prediction, { kind: 'categorical' }>
    const right = Array.from(test['y']!.data).filter((label, i) => p.probabilities.data[2 * i + label]! > 0.5).length
    const [inside, outside] = [entropies(p), entropies(await posterior.predict(ring))]
    return { accuracy: right / 1000, ring: mean(outside), auroc: auroc(inside, outside) }
  }

  it('is uncertain far from the data with context points, where a maximum a posteriori fit is not', async () => {
    const context = inMemory({ train: grid(train['x']!) })
    const regularised = await fit(fseb({ context, contextSize: 128, points: 'context', covScale: 1e-3, covDiag: 1, priorVar: 100 }))
    const plain = await fit(normal({ scale: 10 }))
    expect(regularised.accuracy).toBeGreaterThanOrEqual(0.94)
    expect(regularised.ring).toBeGreaterThanOrEqual(0.6)
    expect(regularised.auroc).toBeGreaterThanOrEqual(0.95)
    expect(plain.accuracy).toBeGreaterThanOrEqual(0.94)
    expect(plain.ring).toBeLessThanOrEqual(0.1)
    expect(plain.auroc).toBeLessThanOrEqual(0.5)
  })
})
