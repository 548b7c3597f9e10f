import { hostKey, type Engine, type Key, type Model, type Problem, type Tensors, type Value, type Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bind, cnn, cnnOptions, mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { adam, adamOptions, value, zeros } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { batchEnsemble, batchEnsembleOptions, memberOf, shared, slowed, type BatchEnsembleOptions } from './index.js'

const linear = mlp(mlpOptions.parse({ hidden: [] }))
const factors = { members: 2, init: 'normal', deviation: 0.5 } as const

describe.each(Object.entries(engines))('on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  const outputs = async (model: Model, vars: Variables<Value>, x: Value): Promise<number[]> => {
    const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => ({ y: bind(model, a.vars, a.key, false)(a.x) }))
    const { y } = await program({ vars, x, key: hostKey(0) })
    program.dispose()
    return Array.from(y.data)
  }

  it('((x ∘ r) W) ∘ s: brief section 7', async () => {
    const params = {
      'head.kernel': value([1, 2, 3, 4], [2, 2]),
      'head.bias': value([0.5, 0]),
      // r = (1, −1), s = (½, 2) of the first member; the second is the plain network.
      'head.members.in': value([0, -2, 0, 0], [2, 2]),
      'head.members.out': value([-0.5, 1, 0, 0], [2, 2]),
    }
    const vars = { params, frozen: {}, state: {} }
    const model = shared(linear, factors, () => Promise.resolve(vars))
    expect(await outputs(model, vars, value([1, 1, 1, 1], [2, 2]))).toEqual([-0.5, -4, 4.5, 6])
    expect(Array.from(memberOf(vars, 0).params['head.kernel']!.data)).toEqual([0.5, 4, -1.5, -8])
    expect(memberOf(vars, 1).params).toEqual({ 'head.kernel': params['head.kernel'], 'head.bias': params['head.bias'] })
  })

  it('members are weights of the plain network, convolutions included', async () => {
    const base = cnn(cnnOptions.parse({ channels: [3, 4], hidden: [5] }))
    const meta = inMemory({ train: { x: zeros([2, 8, 8, 2]), y: zeros([2], 'int32') } }, { classes: ['a', 'b', 'c'] }).meta
    const model = shared(base, { ...factors, members: 3 }, async (key) => base.init(key, meta))
    const vars = await model.init(hostKey(4), meta)
    const x = hostKey(5).normal([6, 8, 8, 2])
    const all = await outputs(model, vars, x)
    for (let m = 0; m < 3; m++) {
      const own = await outputs(base, memberOf(vars, m), x)
      // Rows belong to members in turn.
      for (const row of [m, m + 3]) for (let c = 0; c < 3; c++) expect(all[row * 3 + c]).toBeCloseTo(own[row * 3 + c]!, 4)
    }
  })

  it('signs start as signs', async () => {
    const meta = inMemory({ train: { x: zeros([2, 50]), y: zeros([2, 1]) } }).meta
    const model = shared(linear, { ...factors, init: 'signs' }, async (key) => linear.init(key, meta))
    const { params } = await model.init(hostKey(1), meta)
    const signs = new Set(Array.from(params['head.members.in']!.data, (v: number) => 1 + v))
    expect([...signs].sort()).toEqual([-1, 1])
  })

  it('factors have a learning rate of their own', async () => {
    const optimizer = slowed(adam(adamOptions.parse({ learningRate: 0.1 })), 0.25)
    const params = { 'head.kernel': value([1], [1, 1]), 'head.members.in': value([1], [1, 1]) }
    const program = engine.compile((a: { params: Tensors; memory: Tensors; key: Key }) => {
      const one = tf.scalar(1)
      return optimizer.update({ ...a, gradient: (at) => at, step: one, rate: one, examples: 1 }).params
    })
    const next = await program({ params, memory: optimizer.init(params), key: hostKey(0) })
    program.dispose()
    expect(next['head.kernel']!.data[0]).toBeCloseTo(0.9, 5)
    expect(next['head.members.in']!.data[0]).toBeCloseTo(0.975, 5)
  })

  it('learns, predicts by all members, and is restored from what they share', async () => {
    const t = Array.from({ length: 40 }, (_v, i) => i / 20 - 1)
    const column = (f: (v: number) => number) => value(t.map(f), [40, 1])
    const problem: Problem = {
      model: mlp(mlpOptions.parse({ hidden: [20], activation: 'tanh' })),
      dataset: inMemory({ train: { x: column((v) => v), y: column((v) => Math.sin(3 * v)) } }),
      objective: gaussian({ noise: 0.1 }),
      prior: normal({ scale: 1 }),
      examples: 40,
    }
    const options = {
      ...batchEnsembleOptions.parse({ members: 3, steps: 800, batchSize: 20 }),
      optimizer: adam(adamOptions.parse({ learningRate: 0.02 })),
    } as BatchEnsembleOptions
    const inference = batchEnsemble(options, { engine })
    const posterior = await inference.infer(problem, testRun(engine).run)
    const prediction = await posterior.predict({ x: column((v) => v) })
    if (prediction.kind !== 'normal') throw new Error('a regression predicts normals')
    const worst = Math.max(...t.map((v, i) => Math.abs(prediction.mean.data[i]! - Math.sin(3 * v))))
    expect(worst).toBeLessThan(0.3)
    expect(prediction.members!.shape).toEqual([3, 40, 1])
    const spread = t.some((_v, i) => Math.abs(prediction.members!.data[i]! - prediction.members!.data[40 + i]!) > 1e-3)
    expect(spread).toBe(true)
    const saved = posterior.save()
    expect(saved.values['params.layer0.members.in']!.shape).toEqual([3, 1])
    expect(await (await inference.restore(saved, problem)).predict({ x: column((v) => v) })).toEqual(prediction)
    expect(() => inference.restore({ ...saved, kind: 'draws' }, problem)).toThrow('kind draws')
  })
})
