import { hostKey, type Engine, type Key, type Model, type Problem, type Tensors, type Value, type Variables } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { batchNorm, batchNormInit, bind, dropout } from '../networks/index.js'
import { gaussian } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { descend, jointPass, refresh, refresher, sgd } from './index.js'
import { engines, inMemory, testRun } from './testing.js'
import { value } from './trees.js'

const data = hostKey(8).normal([7, 2]).data
const dataset = inMemory({ train: { x: value(data, [7, 2]), y: value(new Float32Array(7), [7, 1]) } })

/** y = Σ_c (γ x̂ + β)_c after x is scaled by `w`. */
const model: Model<Tensor> = {
  init() {
    const { params, state } = batchNormInit('n', 2)
    return { params: { ...params, w: value([1, 1]) }, frozen: {}, state }
  },
  apply: (vars, x, call) =>
    batchNorm(vars, 'n', dropout('d', x, 0.5, call.train ? call : { ...call }).mul(vars.params['w']!), call).sum(1, true),
}
const problem: Problem = { model, dataset, objective: gaussian({ noise: 1 }), prior: flat(), examples: 7 }

/** Mean, and variance with n − 1, of a column of the data times `w`. */
const moments = (rows: readonly number[], column: number, w: number) => {
  const x = rows.map((r) => data[2 * r + column]! * w)
  const mean = x.reduce((a, b) => a + b, 0) / x.length
  return { mean, variance: x.reduce((s, z) => s + (z - mean) ** 2, 0) / (x.length - 1) }
}
const vars: Variables<Value> = {
  params: { 'n.scale': value([1, 2]), 'n.bias': value([0, 1]), w: value([3, -2]) },
  frozen: {},
  state: { 'n.mean': value([50, 50]), 'n.variance': value([90, 90]) },
}
const all = [0, 1, 2, 3, 4, 5, 6]

describe.each(Object.entries(engines))('on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })

  it('refresh forgets the old statistics: one batch of everything gives its moments', async () => {
    const { run } = testRun(engine)
    const { params, state } = await refresh(problem, run, vars)
    expect(params).toEqual(vars.params)
    for (const c of [0, 1]) {
      const { mean, variance } = moments(all, c, c === 0 ? 3 : -2)
      expect(state['n.mean']!.data[c]).toBeCloseTo(mean, 5)
      expect(state['n.variance']!.data[c]).toBeCloseTo(variance, 4)
    }
  })

  it('batches count by their examples, padding for nothing', async () => {
    const { run, events } = testRun(engine)
    const { state } = await refresh(problem, run, vars, { size: 3, name: 'draw0' })
    expect(state['n.mean']!.data[0]).toBeCloseTo(moments(all, 0, 3).mean, 5)
    expect(Number.isFinite(state['n.variance']!.data[0])).toBe(true)
    expect(events.some((e) => e.type === 'checkpoint' && e.fold === 'draw0')).toBe(true)
  })

  it('a refresher compiles once for many weights, and gives what refresh gives', async () => {
    const again = refresher(problem, engine, { size: 4 })
    const first = await again(vars)
    const other = await again({ ...vars, params: { ...vars.params, w: value([6, -2]) } })
    expect(other.state['n.mean']!.data[0]).toBeCloseTo(2 * first.state['n.mean']!.data[0]!, 5)
    expect(other.state['n.mean']!.data[1]).toBe(first.state['n.mean']!.data[1])
    expect(first.state['n.mean']!.data[1]).toBeCloseTo(moments(all, 1, -2).mean, 5)
    again.dispose()
  })

  it('leaves a model without state alone', async () => {
    const plain = { ...vars, state: {} }
    expect(await refresh(problem, testRun(engine).run, plain)).toBe(plain)
  })

  it('padding of a training batch takes no part in its statistics', async () => {
    const rows = [2, 5, 4]
    const padded = engine.compile((a: { vars: Variables; x: Tensor; y: Tensor; weight: Tensor; index: Tensor; key: Key }) => {
      const none = { objective: {}, prior: {} }
      const batch = { x: a.x, y: a.y, weight: a.weight, index: a.index }
      const plain: Problem = { ...problem, model: { ...model, apply: (v, x, call) => batchNorm(v, 'n', x as Tensor, call) } }
      const pass = jointPass(plain, { vars: a.vars, batch, memory: none, feed: none, key: a.key, engine, progress: a.weight.sum() })
      return { state: pass.state, loss: pass.loss }
    })
    const x = value(
      [...rows, 0].flatMap((r) => [data[2 * r]!, data[2 * r + 1]!]).map((v, i) => (i < 6 ? v : 1e3)),
      [4, 2],
    )
    const at = { vars, x, y: value(new Float32Array(8), [4, 2]), index: value([0, 0, 0, 0], [4], 'int32'), key: hostKey(1) }
    const { state } = await padded({ ...at, weight: value([1, 0.5, 2, 0]) })
    const { mean, variance } = moments(rows, 0, 1)
    expect(state['n.mean']!.data[0]).toBeCloseTo(45 + 0.1 * mean, 4)
    expect(state['n.variance']!.data[0]).toBeCloseTo(81 + 0.1 * variance, 4)
  })

  it('a descent on padded batches ends with the statistics of its examples', async () => {
    const still = sgd({ learningRate: 0, momentum: 0, nesterov: false })
    const whole: Problem = { ...problem, model: { ...model, apply: (v, x, call) => batchNorm(v, 'n', (x as Tensor).mul(v.params['w']!), call).sum(1, true) } } // prettier-ignore
    const { vars: end } = await descend(whole, testRun(engine).run, { optimizer: still, steps: 200, size: 6 })
    // The last batch of each epoch has one example and so variance 0; the mean of the means lies near the mean of all.
    expect(end.state['n.mean']!.data[0]).toBeLessThan(1.5)
    expect(Math.max(...end.state['n.variance']!.data)).toBeLessThan(3)
  })
})

it('with statistics running, dropout goes on and moments stay', async () => {
  const engine = await engines['onnxruntime']!()
  const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => {
    const net = bind(model, a.vars, a.key, true)
    const frozen = net.with(a.vars.params, { statistics: 'running' })
    const evaluated = net.with(a.vars.params, { train: false })
    const state: Tensors = bind(model, a.vars, a.key, true, { statistics: 'running' }).state()
    return { joint: net(a.x), frozen: frozen(a.x), evaluated: evaluated(a.x), state }
  })
  const ones = { ...vars, params: { 'n.scale': value([1, 1]), 'n.bias': value([0, 0]), w: value([1, 1]) }, state: { 'n.mean': value([0, 0]), 'n.variance': value([1, 1]) } } // prettier-ignore
  const { joint, frozen, evaluated, state } = await program({
    vars: ones,
    x: value(new Float32Array(200).fill(1), [100, 2]),
    key: hostKey(4),
  })
  expect(evaluated.data.every((y) => Math.abs(y - 2) < 1e-4)).toBe(true)
  // Each of two numbers is 0 or 2 under a mask.
  expect([...new Set(Array.from(frozen.data, (y) => Math.round(y)))].sort()).toEqual([0, 2, 4])
  expect(Array.from(joint.data).reduce((a, b) => a + b, 0)).toBeCloseTo(0, 3)
  expect([...state['n.mean']!.data]).toEqual([0, 0])
})
