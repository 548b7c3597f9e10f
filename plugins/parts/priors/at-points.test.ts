import { hostKey, type Engine, type Key, type Prior, type Problem, type Tensors, type Value, type Values } from 'ockham'
import { tf } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../networks/index.js'
import { crossEntropy } from '../objectives/index.js'
import { asBatch, jointPass, map } from '../training/index.js'
import { engines, inMemory } from '../training/testing.js'
import { value } from '../training/trees.js'
import { functionNorm, functionNormOptions, l2Sp, l2SpOptions, normal, outlierExposure, outlierExposureOptions } from './index.js'

// A linear model of two inputs and three classes on two rows, of which one is padding.
const kernel = [0.5, -1, 2, 1, 0, -0.5]
const bias = [0.1, 0.2, -0.3]
const params = { 'head.kernel': value(kernel, [2, 3]), 'head.bias': value(bias) }
const logits = (x: readonly number[]): number[] => bias.map((b, c) => b + x[0]! * kernel[c]! + x[1]! * kernel[3 + c]!)
const rows = [
  [1, 2],
  [9, 9],
]
const dataset = inMemory({ train: { x: value(rows.flat(), [2, 2]), y: value([0, 1], [2], 'int32') } }, { classes: ['a', 'b', 'c'] })
// Every context row is the same, so that what is drawn does not matter.
const there = [-1, 0.5]
const context = inMemory({ train: { x: value([...there, ...there], [2, 2]) } })
const problem: Problem = {
  dataset,
  model: mlp(mlpOptions.parse({ hidden: [] })),
  objective: crossEntropy(),
  prior: normal({ scale: 1 }),
  examples: 50,
}
const squares = (v: readonly number[]): number => v.reduce((s, x) => s + x * x, 0)

describe.each(Object.entries(engines))('priors about functions and starts on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const energy = async (prior: Prior, at: Values = params, from: Values = params): Promise<number> => {
    const memory = (await prior.init?.(problem, { params: from, frozen: {}, state: {} }, hostKey(0))) ?? {}
    const feed = (await prior.feed?.(0, hostKey(1), problem)) ?? {}
    const batch = {
      x: value(rows.flat(), [2, 2]),
      y: value([0, 1], [2], 'int32'),
      weight: value([1, 0]),
      index: value([0, 1], [2], 'int32'),
    }
    const program = engine.compile((a: { params: Tensors; batch: Tensors; memory: Tensors; feed: Tensors; key: Key }) => ({
      energy: jointPass(
        { ...problem, prior },
        {
          vars: { params: a.params, frozen: {}, state: {} },
          batch: asBatch(a.batch),
          memory: { objective: {}, prior: a.memory },
          feed: { objective: {}, prior: a.feed },
          key: a.key,
          engine,
          progress: tf.scalar(0),
        },
      ).energy.mul(1),
    }))
    return (await program({ params: at, batch, memory, feed, key: hostKey(2) })).energy.data[0]!
  }

  it('function-norm: Σ f²/2β over the points that count', async () => {
    const options = { context, contextSize: 5, variance: 0.25 }
    const of = (more: object): Prior =>
      functionNorm(functionNormOptions.parse({ ...options, ...more }) as Parameters<typeof functionNorm>[0])
    const beyond = (5 * squares(logits(there))) / 0.5
    expect(await energy(of({ points: 'context' }))).toBeCloseTo(beyond, 4)
    expect(await energy(of({}))).toBeCloseTo(beyond + squares(logits(rows[0]!)) / 0.5, 4)
    expect(await energy(of({ points: 'context', scale: 2 }))).toBeCloseTo(beyond + squares([...kernel, ...bias]) / 8, 4)
  })

  it('outlier-exposure: N λ times the cross-entropy to the uniform', async () => {
    const f = logits(there)
    const logs = f.map((v) => v - Math.log(f.reduce((s, u) => s + Math.exp(u), 0)))
    const wanted = -50 * 0.3 * (logs.reduce((a, b) => a + b) / 3)
    const options = outlierExposureOptions.parse({ context, contextSize: 4, strength: 0.3 })
    expect(await energy(outlierExposure(options as Parameters<typeof outlierExposure>[0]))).toBeCloseTo(wanted, 4)
    // A network that says nothing pays log C a row, its least.
    const silent = map(params, (p) =>
      value(
        Array.from(p.data, () => 0),
        p.shape,
      ),
    )
    expect(await energy(outlierExposure(options as Parameters<typeof outlierExposure>[0]), silent)).toBeCloseTo(15 * Math.log(3), 4)
  })

  it('l2-sp: Σ (θ − θ₀)²/2σ², a fresh layer about zero', async () => {
    const moved: Record<string, Value> = {
      ...params,
      'head.kernel': value(
        kernel.map((v, i) => v + i),
        [2, 3],
      ),
    }
    expect(await energy(l2Sp(l2SpOptions.parse({ scale: 0.5 })), moved)).toBeCloseTo(squares([0, 1, 2, 3, 4, 5]) / 0.5, 4)
    expect(await energy(l2Sp(l2SpOptions.parse({})))).toBe(0)
    expect(await energy(l2Sp(l2SpOptions.parse({ fresh: ['head.bias'] })), moved)).toBeCloseTo(55 / 2 + squares(bias) / 2, 4)
    expect(await energy(l2Sp(l2SpOptions.parse({ scale: { head: 2 }, fresh: ['head'] })))).toBeCloseTo(squares([...kernel, ...bias]) / 8, 4)
    await expect(energy(l2Sp(l2SpOptions.parse({ fresh: ['hed'] })))).rejects.toThrow(/OCK-PRIOR-001.*hed/s)
  })
})
