import type { Engine, Tensors, Value, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import type { Executor, Graph } from '../engine/index.js'
import { random } from '../engine/test-cases.js'
import type { Tensor } from '../engine/tensor.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { rewrite } from './rewrite.js'

let engine: Engine
let traced: Graph
beforeAll(async () => {
  const executor = await onnxruntime({ threads: 1 })
  const spy: Executor = {
    ...executor,
    compile: (graph, precision) => {
      traced = graph
      return executor.compile(graph, precision)
    },
  }
  engine = createEngine(spy)
})
afterAll(() => engine.dispose())

const r = random(3)
const [x, y, bias, n] = [r.floats([4, 5]), r.floats([5, 3]), r.floats([3]), r.integers([4], 3)]
const inputs: Values = { x, y, bias, n, s: r.floats([], 1, 2) }

type Fn = (t: Record<keyof typeof inputs, Tensor>) => Tensor
const rewritings: readonly (readonly [string, Fn, readonly string[]])[] = [
  ['a product and a row', (t) => tf.matMul(t['x']!, t['y']!).add(t['bias']!), ['ort.Gemm']],
  ['a row and a product', (t) => t['bias']!.add(tf.matMul(t['x']!, t['y']!)), ['ort.Gemm']],
  ['transposed matrices', (t) => tf.matMul(tf.transpose(t['y']!), tf.transpose(t['x']!)), ['BatchMatMul']],
  ['a matrix transposed and read transposed', (t) => tf.matMul(tf.transpose(t['x']!), t['y']!, true, false), ['BatchMatMul']],
  ['the gradient of relu', (t) => tf.grad((z) => tf.relu(z))(t['x']!, t['x']!.add(1)), ['Add', 'ort.Above']],
  ['a mask', (t) => t['x']!.mul(tf.greater(t['x']!, 0.5).cast('float32')), ['Greater', 'ort.Masked']],
  ['class numbers as floats', (t) => tf.oneHot(t['n']!, 3).cast('float32').mul(t['bias']!), ['OneHot', 'Multiply']],
  ['log softmax', (t) => tf.logSoftmax(t['x']!), ['LogSoftmax']],
  ['a number everywhere', (t) => tf.fill([4, 5], 0.25).mul(t['x']!), ['Multiply']],
  [
    'rows repeated',
    (t) => tf.tile(t['bias']!.reshape([1, 3]), [4, 1]).mul(tf.matMul(t['x']!, t['y']!)),
    ['Reshape', 'BatchMatMul', 'Multiply'],
  ],
  ['constants in a row', (t) => t['x']!.mul(0.5).mul(3).div(4), ['Multiply']],
  ['divisions in a row', (t) => t['x']!.div(3).div(t['s']!), ['Multiply', 'RealDiv']],
  ['a quotient times a number', (t) => t['x']!.div(t['s']!).mul(3), ['RealDiv', 'Multiply']],
]

const leaves = new Set(['Input', 'Constant', 'Fill'])

describe('what is rewritten', () => {
  it.each(rewritings)('%s', async (_, fn, ops) => {
    const program = engine.compile((t: Tensors) => fn(t as never))
    const got = await program(inputs)
    expect(
      rewrite(traced)
        .nodes.map((node) => node.op)
        .filter((op) => !leaves.has(op))
        .sort(),
    ).toEqual([...ops].sort())
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([k, v]: [string, Value]) => [k, tf.tensor(v.data, [...v.shape], v.dtype as 'float32')]),
    )
    const wanted = tf.tidy(() => fn(tensors as never))
    const data = wanted.dataSync()
    got.data.forEach((g, i) => expect(g).toBeCloseTo(data[i]!, 5))
    expect(got.shape).toEqual(wanted.shape)
  })
})

it('keeps a product that others read too', async () => {
  const program = engine.compile((t: Tensors) => {
    const product = tf.matMul(t['x']!, t['y']!)
    return { sum: product.add(t['bias']!), product }
  })
  await program(inputs)
  expect(rewrite(traced).nodes.map((node) => node.op)).not.toContain('ort.Gemm')
})

it('keeps inputs that nothing reads', async () => {
  const program = engine.compile((t: Tensors) => t['x']!.mul(2))
  await program(inputs)
  expect(rewrite(traced).inputs).toEqual(traced.inputs)
})
