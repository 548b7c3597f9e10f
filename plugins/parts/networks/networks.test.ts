import { hostKey, InputError, type Key, type Tensors, type Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { engines, inMemory } from '../training/testing.js'
import { value, zeros } from '../training/trees.js'
import { bind, kernel, mlp, mlpOptions, type BoundNet } from './index.js'

const key = hostKey(1)

const meta = inMemory({ train: { x: zeros([4, 2, 3]), y: zeros([4], 'int32') } }, { classes: ['a', 'b', 'c', 'd'] }).meta

describe('mlp', () => {
  const model = mlp(mlpOptions.parse({ hidden: [5, 7], activation: 'tanh', init: 'he' }))

  it('names its layers and takes its sizes from the data', async () => {
    const { params } = await model.init(key, meta)
    expect(Object.fromEntries(Object.entries(params).map(([name, v]) => [name, v.shape]))).toEqual({
      'layer0.kernel': [6, 5],
      'layer0.bias': [5],
      'layer1.kernel': [5, 7],
      'layer1.bias': [7],
      'head.kernel': [7, 4],
      'head.bias': [4],
    })
  })

  it('has one output a number of the target where there are no classes', async () => {
    const { meta: other } = inMemory({ train: { x: zeros([4, 2]), y: zeros([4]) } })
    expect((await model.init(key, other)).params['head.kernel']!.shape).toEqual([7, 1])
  })

  it('says that unlabelled data leave the outputs unknown', () => {
    const { meta: other } = inMemory({ train: { x: zeros([4, 2]) } })
    expect(() => model.init(key, other)).toThrow(/OCK-MODEL-002/)
  })

  it('draws hidden kernels with variance 2 / fan-in and the head with 1 / fan-in', async () => {
    const wide = mlp(mlpOptions.parse({ hidden: [400] }))
    const { meta: other } = inMemory({ train: { x: zeros([1, 100]), y: zeros([1, 100]) } })
    const { params } = await wide.init(key, other)
    const variance = (name: string): number => Array.from(params[name]!.data).reduce((s, x) => s + x * x, 0) / params[name]!.data.length
    // 40 000 squared normals: relative standard error √(2/40000) = 0.7 %.
    expect(variance('layer0.kernel') * 100).toBeCloseTo(2, 1)
    expect(variance('head.kernel') * 400).toBeCloseTo(1, 1)
  })

  it('draws the weights of a large layer without the heap of JavaScript', () => {
    const shape = [2048, 1024]
    const before = process.memoryUsage().heapUsed
    const { data } = kernel(key, shape, 'he')
    // As an array of numbers they would take 100 MB; a layer of 10⁸ would end the process.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 24)
    const drawn = key.normal(shape).data
    expect(data[777]).toBe(Math.fround(drawn[777]! * Math.sqrt(2 / 2048)))
  })

  it('rejects names of activations that it does not have', () => {
    expect(mlpOptions.safeParse({ activation: 'rely' }).success).toBe(false)
  })
})

describe.each(Object.entries(engines))('bind on %s', (_, start) => {
  let engine: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    engine = await start()
  })
  const model = mlp(mlpOptions.parse({ hidden: [2], activation: 'tanh' }))
  const params: Values = {
    'layer0.kernel': value([1, 0, 0, 2], [2, 2]),
    'layer0.bias': value([0, 0.5]),
    'head.kernel': value([1, -1], [2, 1]),
    'head.bias': value([0.25]),
  }
  const x = value([0.3, -0.2], [1, 2])
  const hidden = [Math.tanh(0.3), Math.tanh(0.1)] as const
  const trace = <T>(fn: (net: BoundNet, x: Tensor, params: Tensors) => T) =>
    engine.compile((a: { params: Tensors; x: Tensor; key: Key }) =>
      fn(bind(model, { params: a.params, frozen: {}, state: {} }, a.key, true), a.x, a.params),
    )({ params, x, key })

  it('computes W₂ tanh(W₁ x + b₁) + b₂, and its points', async () => {
    const { y, points } = await trace((net, input) => ({ y: net(input), points: net.points(input, ['head.in', 'head.out']) }))
    expect(y.shape).toEqual([1, 1])
    expect(y.data[0]).toBeCloseTo(hidden[0] - hidden[1] + 0.25, 6)
    expect(Array.from(points['head.in']!.data)).toEqual(hidden.map((h) => expect.closeTo(h, 6)))
    expect(points['head.out']!.data[0]).toBe(y.data[0])
  })

  it('runs the model once for calls with the same input', async () => {
    let passes = 0
    const counting = { ...model, apply: (...all: Parameters<typeof model.apply>) => (passes++, model.apply(...all)) }
    await engine.compile((a: { params: Tensors; x: Tensor; key: Key }) => {
      const net = bind(counting, { params: a.params, frozen: {}, state: {} }, a.key, true)
      const once = net(a.x)
      net.points(a.x, ['head.in'])
      const first = passes
      net(a.x.mul(2))
      expect([first, passes]).toEqual([1, 2])
      return { y: net(a.x).add(once) }
    })({ params, x, key })
    expect(passes).toBe(2)
  })

  it('puts what an observer returns in place of a point', async () => {
    const at = (point: string, h: Tensor): Tensor => (point === 'head.in' ? tf.zerosLike(h) : h)
    const { y, seen } = await trace((net, input) => ({ y: net(input, { at }), seen: net.points(input, ['head.in'], { at })['head.in']! }))
    expect(y.data[0]).toBeCloseTo(0.25, 6)
    expect(Array.from(seen.data)).toEqual([0, 0])
  })

  it('is the same function elsewhere with other parameters', async () => {
    const { y } = await trace((net, input, p) => ({ y: net.with({ ...p, 'head.bias': p['head.bias']!.add(1) })(input) }))
    expect(y.data[0]).toBeCloseTo(hidden[0] - hidden[1] + 1.25, 6)
  })

  it('names the points there are when one is missing', async () => {
    const failing = trace((net, input) => ({ h: net.points(input, ['layer7.in'])['layer7.in']! }))
    await expect(failing).rejects.toThrow(/OCK-MODEL-001.*layer7\.in.*layer0\.in, layer0\.out, head\.in, head\.out/s)
    await expect(failing).rejects.toBeInstanceOf(InputError)
  })

  it('collects the state that its own first pass leaves, and none of other parameters', async () => {
    const running = {
      ...model,
      apply(
        vars: Parameters<typeof model.apply>[0],
        input: Parameters<typeof model.apply>[1],
        call: Parameters<typeof model.apply>[2],
      ): Tensor {
        call.next('seen', vars.state['seen']!.add((input as Tensor).sum()))
        return model.apply(vars, input, call)
      },
    }
    const { state } = await engine.compile((a: { params: Tensors; state: Tensors; x: Tensor; key: Key }) => {
      const net = bind(running, { params: a.params, frozen: {}, state: a.state }, a.key, true)
      const y = net(a.x)
      const other = net.with(a.params)(a.x.mul(5))
      return { state: net.state(), y, other }
    })({ params, x, key, state: { seen: value([1], []), kept: value([7], []) } })
    expect(state['seen']!.data[0]).toBeCloseTo(1.1, 6)
    expect(state['kept']!.data[0]).toBe(7)
  })
})
