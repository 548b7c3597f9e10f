import { hostKey, type Engine, type Problem, type Step, type Tensors, type Value, type Variables } from 'ockham'
import type { Scalar } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../training/testing.js'
import { value } from '../training/trees.js'
import { flat, normal, scales } from './index.js'

const params = { 'layer0.kernel': value([1, 2, 3, 4], [2, 2]), 'layer0.bias': value([-1, 1]), 'head.kernel': value([2, 0], [2, 1]) }
const vars: Variables<Value> = { params, frozen: {}, state: {} }

describe.each(Object.entries(engines))('priors on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const energy = (prior: ReturnType<typeof normal>) =>
    engine.compile((a: { params: Tensors }) => {
      const { value: total, grads } = engine.valueAndGrad(
        (p) => ({ value: prior.energy({ net: { vars: { params: p, frozen: {}, state: {} } } } as unknown as Step) as Scalar, aux: null }),
        a.params,
      )
      return { total, grads }
    })({ params })

  it('normal is Σ θ²/2σ² and its gradient θ/σ²', async () => {
    const { total, grads } = await energy(normal({ scale: 2 }))
    expect(total.data[0]).toBeCloseTo(36 / 8, 6)
    expect(Array.from(grads['layer0.kernel']!.data)).toEqual([0.25, 0.5, 0.75, 1])
  })

  it('normal has scales of its own for layers', async () => {
    const { total, grads } = await energy(normal({ scale: { head: 0.5, 'layer0.bias': 4, '*': 1 } }))
    expect(total.data[0]).toBeCloseTo(30 / 2 + 2 / 32 + 4 / 0.5, 5)
    expect(Array.from(grads['head.kernel']!.data)).toEqual([8, 0])
  })

  it('flat has no energy and no gradient', async () => {
    const { total, grads } = await energy(flat())
    expect(total.data[0]).toBe(0)
    expect(Array.from(grads['head.kernel']!.data)).toEqual([0, 0])
  })
})

it('normal gives mean and precision of every parameter', () => {
  const { mean, precision } = normal({ scale: { head: 0.5, '*': 2 } }).gaussian!(vars)
  expect(Array.from(mean['layer0.kernel']!.data)).toEqual([0, 0, 0, 0])
  expect(Array.from(precision['layer0.bias']!.data)).toEqual([0.25, 0.25])
  expect(Array.from(precision['head.kernel']!.data)).toEqual([4, 4])
})

it('the longest key that covers a parameter counts', () => {
  expect(scales(['block.a.kernel', 'block.b'], { block: 1, 'block.a': 2 })).toEqual({ 'block.a.kernel': 2, 'block.b': 1 })
  expect(scales(['layer1.kernel', 'layer10.kernel'], { layer1: 3, '*': 1 })).toEqual({ 'layer1.kernel': 3, 'layer10.kernel': 1 })
})

it('names every layer that is unknown or uncovered, before training', () => {
  const init = () => normal({ scale: { hed: 1, layer0: 1 } }).init!({} as Problem, vars, hostKey(0))
  expect(init).toThrow(/no parameter is called hed/)
  expect(init).toThrow(/no scale is given for head\.kernel/)
  expect(init).toThrow(/layer0\.kernel, layer0\.bias, head\.kernel/)
})
