import type { Engine, Tensors, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import type { Graph } from '../engine/index.js'
import { random } from '../engine/test-cases.js'
import { spied } from '../engine/testing.js'
import type { Tensor, Tensor4D } from '../engine/tensor.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { rewrite } from './rewrite.js'

let engine: Engine
let graphs: Graph[]
beforeAll(async () => {
  const executor = spied(await onnxruntime({ threads: 1 }))
  graphs = executor.graphs
  engine = createEngine(executor)
})
afterAll(() => engine.dispose())

const r = random(11)
const inputs: Values = { x: r.floats([2, 4, 6, 3]), k: r.floats([3, 3, 3, 5], -0.3, 0.3), b: r.floats([5]) }
const conv = ({ x, k }: Tensors): Tensor4D => tf.conv2d(x as Tensor4D, k as Tensor4D, 1, 'same')
const biased = (t: Tensors): Tensor4D => conv(t).add(t['b']!)
const pool = (x: Tensor): Tensor => tf.maxPool(x as Tensor4D, 2, 2, 'valid')

type Fn = (t: Tensors) => Tensor
const rewritings: readonly (readonly [string, Fn, readonly string[]])[] = [
  ['a convolution and a bias', biased, ['ort.Conv2D']],
  ['a convolution that others read', (t) => biased(t).mul(conv(t)), ['Conv2D', 'Add', 'Multiply']],
  ['a bias before pooling goes behind it', (t) => pool(biased(t)), ['Conv2D', 'MaxPool', 'Add']],
  ['not where others read the sum', (t) => pool(biased(t)).sum().mul(biased(t)), ['ort.Conv2D', 'MaxPool', 'Sum', 'Multiply']],
  [
    'by the kernel, through pooling',
    (t) =>
      tf.grad((k) =>
        pool(biased({ ...t, k }))
          .square()
          .sum(),
      )(t['k']!),
    ['Conv2D', 'MaxPool', 'Add', 'Multiply', 'MaxPoolGrad', 'Conv2DBackpropFilter'],
  ],
  [
    'by the bias, from what pooling is given',
    (t) =>
      tf.grad((b) =>
        pool(biased({ ...t, b }))
          .square()
          .sum(),
      )(t['b']!),
    ['Conv2D', 'MaxPool', 'Add', 'Multiply', 'Sum'],
  ],
]

const leaves = new Set(['Input', 'Constant', 'Fill', 'Reshape', 'Tile'])

describe('what is rewritten', () => {
  it.each(rewritings)('%s', async (_, fn, ops) => {
    const program = engine.compile((t: Tensors) => fn(t))
    const got = await program(inputs)
    const found = rewrite(graphs.at(-1)!).nodes.map((node) => node.op)
    const kept = found.filter((op) => !leaves.has(op))
    expect([...new Set(kept)].sort()).toEqual([...ops].sort())
    const wanted = tf.tidy(() => fn(Object.fromEntries(Object.entries(inputs).map(([n, v]) => [n, tf.tensor(v.data, [...v.shape])]))))
    const data = wanted.dataSync()
    wanted.dispose()
    data.forEach((w, i) => expect(Math.abs(got.data[i]! - w)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(w))))
    program.dispose()
  })
})
