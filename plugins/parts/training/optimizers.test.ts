import { hostKey, type Engine, type Key, type Optimizer, type Tensors, type Values } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { adam, adamw } from './adam.js'
import { clipped } from './gradient.js'
import { sgd } from './sgd.js'
import { engines } from './testing.js'
import { map, value } from './trees.js'

/** Parameters after each of a few steps on gradients that depend on them, g = a θ − b. */
const a = [1, 0.3]
const b = [0.5, -2]
const start = [1, -1]

const trajectory = async (engine: Engine, optimizer: Optimizer, steps: number, rates: readonly number[] = []): Promise<number[][]> => {
  const program = engine.compile((at: { params: Tensors; memory: Tensors; key: Key; step: Scalar; rate: Scalar }) =>
    optimizer.update({
      ...at,
      gradient: (p) => map(p, (w) => w.mul(tf.tensor1d(a)).sub(tf.tensor1d(b))),
      examples: 10,
    }),
  )
  let params: Values = { w: value(start) }
  let memory = optimizer.init(params)
  const path: number[][] = []
  for (let step = 0; step < steps; step++) {
    const next = await program({ params, memory, key: hostKey(0), step, rate: rates[step] ?? 1 })
    params = next.params
    memory = next.memory
    path.push(Array.from(params['w']!.data))
  }
  return path
}

/** The algorithms as their papers write them, in float64. */
const reference = {
  adam(steps: number, { rate = 1e-2, b1 = 0.9, b2 = 0.99, eps = 1e-3, decay = 0 }, rates: readonly number[] = []): number[][] {
    const w = [...start]
    const m = [0, 0]
    const v = [0, 0]
    return Array.from({ length: steps }, (_, t) => {
      const eta = rate * (rates[t] ?? 1)
      for (const i of w.keys()) {
        const g = a[i]! * w[i]! - b[i]!
        m[i] = b1 * m[i]! + (1 - b1) * g
        v[i] = b2 * v[i]! + (1 - b2) * g * g
        const mean = m[i] / (1 - b1 ** (t + 1))
        const square = v[i] / (1 - b2 ** (t + 1))
        w[i] = w[i]! * (1 - eta * decay) - (eta * mean) / (Math.sqrt(square) + eps)
      }
      return [...w]
    })
  },
  sgd(steps: number, rate: number, momentum: number, nesterov: boolean): number[][] {
    const w = [...start]
    const v = [0, 0]
    return Array.from({ length: steps }, () => {
      for (const i of w.keys()) {
        const g = a[i]! * w[i]! - b[i]!
        v[i] = momentum * v[i]! + g
        w[i] = w[i]! - rate * (nesterov ? g + momentum * v[i] : v[i])
      }
      return [...w]
    })
  },
}

const close = (expected: readonly number[][]) => expected.map((row) => row.map((x) => expect.closeTo(x, 5)))
const options = { learningRate: 1e-2, beta1: 0.9, beta2: 0.99, epsilon: 1e-3 }

describe.each(Object.entries(engines))('optimizers on %s', (_, begin) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await begin()
  })

  it('adam is algorithm 1 of its paper, bias corrections included', async () => {
    expect(await trajectory(engine, adam(options), 5)).toEqual(close(reference.adam(5, {})))
  })

  it('the schedule multiplies the learning rate', async () => {
    const rates = [0.25, 0.5, 1, 0.1]
    expect(await trajectory(engine, adam(options), 4, rates)).toEqual(close(reference.adam(4, {}, rates)))
  })

  it('adamw decays weights beside the gradient, and says so', async () => {
    const optimizer = adamw({ ...options, weightDecay: 0.3 })
    expect(optimizer.decays).toBe(true)
    expect(await trajectory(engine, optimizer, 5)).toEqual(close(reference.adam(5, { decay: 0.3 })))
  })

  it.each([
    [0, false],
    [0.9, false],
    [0.9, true],
  ])('sgd with momentum %f, nesterov %s', async (momentum, nesterov) => {
    expect(await trajectory(engine, sgd({ learningRate: 0.1, momentum, nesterov }), 5)).toEqual(
      close(reference.sgd(5, 0.1, momentum, nesterov)),
    )
  })

  it('clipping scales a gradient to the norm, and leaves a short one alone', async () => {
    const clip = (norm: number) =>
      engine.compile((g: { a: Tensors['a']; b: Tensors['b'] } & Tensors) => clipped(g, norm))({ a: value([3, 0]), b: value([4]) })
    expect(Array.from((await clip(1))['a']!.data)).toEqual([expect.closeTo(0.6, 6), 0])
    expect(Array.from((await clip(10))['b']!.data)).toEqual([4])
  })
})
