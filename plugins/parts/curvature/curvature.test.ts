import type { Engine, Key, Model, Tensors, Value, Variables } from 'ockham'
import { hostKey } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cnn, conv, dense, mlp, mlpOptions, resnet, resnetOptions, cnnOptions } from '../networks/index.js'
import { crossEntropy } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { asInput, flatten, unflatten, value } from '../training/index.js'
import { engines, inMemory } from '../training/testing.js'
import { jacobian, layerPass, linearLayers, pullEach, unitColumns } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

const images = hostKey(1).normal([3, 9, 8, 2])
const problemOf = (model: Model, x: Value = images) => ({
  model,
  dataset: inMemory({ train: { x, y: value([0, 1, 2], [3], 'int32') } }, { classes: ['a', 'b', 'c'] }),
  objective: crossEntropy(),
  prior: flat(),
  examples: 3,
})

const found = async (model: Model, x: Value = images) => {
  const problem = problemOf(model, x)
  const vars = await model.init(hostKey(2), problem.dataset.meta)
  const one = { x: { ...x, shape: [1, ...x.shape.slice(1)], data: x.data.slice(0, x.data.length / 3) } }
  return { vars, ...(await linearLayers(problem, engine, vars, one)) }
}

/** A model of the layers that `apply` uses, with random weights. */
const custom = (shapes: Readonly<Record<string, readonly number[]>>, apply: Model['apply']): Model => ({
  init: (key) => ({
    params: Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, key.fold(name).normal(shape)])),
    frozen: {},
    state: {},
  }),
  apply,
})

describe('linear layers', () => {
  it('of a convolutional network, with windows found by trying', async () => {
    const { layers, left } = await found(cnn(cnnOptions.parse({ channels: [4, 3], hidden: [5] })))
    expect(left).toEqual({})
    expect(layers.map((l) => [l.name, l.inputs, l.outputs])).toEqual([
      ['conv0', 18, 4],
      ['conv1', 36, 3],
      ['layer0', 12, 5],
      ['head', 5, 3],
    ])
    expect(layers[0]!.geometry).toEqual({ strides: [1, 1], dilations: [1, 1], before: [1, 1], out: [9, 8] })
  })

  it.each([
    [{ strides: 2, pad: 'same' }],
    [{ strides: [2, 3], pad: 'valid' }],
    [{ dilations: 2, pad: 'valid' }],
    [{ strides: 2, pad: 1 }],
    [{ pad: 2 }],
  ] as const)('windows of %j', async (options) => {
    const model = custom({ 'c.kernel': [3, 3, 2, 4], 'c.bias': [4], 'head.kernel': [4, 3] }, (vars, x, call) =>
      dense(vars, 'head', conv(vars, 'c', x as Tensors[string], call, options).mean([1, 2]), call),
    )
    const { layers, left, vars } = await found(model)
    expect([Object.keys(left), layers.length]).toEqual([[], 2])
    await expectJacobian(model, vars, layers, images)
  })

  it('of a residual network: all but the norms, and the reasons', async () => {
    const { layers, left } = await found(resnet(resnetOptions.parse({ depth: 20, width: 2 })), hostKey(1).normal([3, 8, 8, 2]))
    expect(layers.length).toBe(22)
    expect(Object.keys(left).every((name) => /norm\.(scale|bias)$/.test(name))).toBe(true)
    expect(left['stem.norm.scale']).toMatch(/not the kernel or the bias of a linear layer/)
  })

  it('tells apart what is used twice, tied to something else, in groups, or not announced', async () => {
    const flatX = hostKey(1).normal([3, 4])
    const twice = custom({ 'a.kernel': [4, 4], 'head.kernel': [4, 3] }, (vars, x, call) =>
      dense(vars, 'head', dense(vars, 'a', dense(vars, 'a', x as Tensors[string], call), call), call),
    )
    expect((await found(twice, flatX)).left).toEqual({ 'a.kernel': 'a is used 2 times in one pass' })
    const scaled = custom({ 'head.kernel': [4, 3] }, (vars, x, call) => {
      const h = call.at('head.in', x as Tensors[string])
      return call.at('head.out', h.matMul(vars.params['head.kernel']!.div(2)))
    })
    expect((await found(scaled, flatX)).left).toEqual({ 'head.kernel': 'head.out is not head.in times the kernel' })
    const silent = custom({ 'head.kernel': [4, 3] }, (vars, x) => (x as Tensors[string]).matMul(vars.params['head.kernel']!))
    expect((await found(silent, flatX)).left['head.kernel']).toMatch(/announces no head.in/)
    const groups = custom({ 'c.kernel': [1, 1, 1, 3] }, (vars, x, call) =>
      conv(vars, 'c', x as Tensors[string], call, { groups: 2 }).mean([1, 2]),
    )
    const even = custom({ 'c.kernel': [1, 1, 1, 4] }, groups.apply)
    expect((await found(even)).left).toEqual({ 'c.kernel': 'c is a convolution in groups' })
  })
})

/** J against central differences of the outputs. */
async function expectJacobian(
  model: Model,
  vars: Variables<Value>,
  layers: Awaited<ReturnType<typeof found>>['layers'],
  x: Value,
): Promise<void> {
  const program = engine.compile((a: { vars: Tensors; x: Tensors; key: Key }) => {
    const pass = layerPass(engine, model, unflatten(a.vars), asInput(a.x), a.key, layers)
    return { y: pass.y, j: jacobian(pass, pullEach(pass, unitColumns(3, 3), layers), layers) }
  })
  const at = (v: Variables<Value>): Promise<{ y: Value; j: Value }> => program({ vars: flatten(v), x: { x }, key: hostKey(0) })
  const { j } = await at(vars)
  const params = j.shape[2]!
  const names = layers.flatMap((l) => (l.bias ? [`${l.name}.kernel`, `${l.name}.bias`] : [`${l.name}.kernel`]))
  const direction = Object.fromEntries(names.map((n) => [n, hostKey(7).fold(n).normal(vars.params[n]!.shape)]))
  const along = names.flatMap((n) => Array.from(direction[n]!.data))
  const shifted = (h: number): Variables<Value> => ({
    ...vars,
    params: Object.fromEntries(
      Object.entries(vars.params).map(([n, v]) => [n, { ...v, data: Float32Array.from(v.data, (w, i) => w + h * direction[n]!.data[i]!) }]),
    ),
  })
  const [up, down] = [await at(shifted(1e-3)), await at(shifted(-1e-3))]
  for (let r = 0; r < 9; r++) {
    let slope = 0
    for (let i = 0; i < params; i++) slope += j.data[r * params + i]! * along[i]!
    const wanted = (up.y.data[r]! - down.y.data[r]!) / 2e-3
    expect(Math.abs(slope - wanted)).toBeLessThan(2e-2 * Math.max(1, Math.abs(wanted)))
  }
  program.dispose()
}

it('Jacobians are those of central differences', async () => {
  for (const [model, x] of [
    [mlp(mlpOptions.parse({ hidden: [4], activation: 'tanh' })), hostKey(1).normal([3, 5])],
    [cnn(cnnOptions.parse({ channels: [2], hidden: [3] })), images],
  ] as const) {
    const { layers, vars } = await found(model, x)
    await expectJacobian(model, vars, layers, x)
  }
})
