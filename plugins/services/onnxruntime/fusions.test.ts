import type { Engine, Tensors, Values } from 'ockham'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEngine, interpreter } from '../engine/index.js'
import type { Executor, Graph } from '../engine/index.js'
import { random } from '../engine/test-cases.js'
import type { Tensor } from '../engine/tensor.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { rewrite } from './rewrite.js'

let engine: Engine
let reference: Engine
let traced: Graph
beforeAll(async () => {
  const executor = await onnxruntime({ threads: 1 })
  const spy: Executor = { ...executor, compile: (graph, precision) => executor.compile((traced = graph), precision) }
  engine = createEngine(spy)
  reference = createEngine(await interpreter())
})
afterAll(async () => {
  await engine.dispose()
  await reference.dispose()
})

const r = random(9)
const inputs: Values = { x: r.floats([3, 4, 5]), y: r.floats([3, 4, 5]), scale: r.floats([5]), shift: r.floats([5]) }

const centred = (x: Tensor): Tensor => x.sub(tf.mean(x, -1, true))
const root = (x: Tensor): Tensor => tf.mean(x.square(), -1, true).add(1e-5).rsqrt()
const unit = (x: Tensor): Tensor => centred(x).mul(root(centred(x)))

const fused: readonly (readonly [string, (t: Tensors) => Tensor, readonly string[]])[] = [
  ['standardised rows', ({ x }) => unit(x!), ['ort.Normalise']],
  ['layer norm', ({ x, scale, shift }) => unit(x!).mul(scale!).add(shift!), ['ort.LayerNorm']],
  ['rows and their deviation', ({ x }) => unit(x!).div(root(centred(x!))), ['RealDiv', 'ort.InverseDeviation', 'ort.Normalise']],
  ['root mean square norm', ({ x }) => x!.mul(root(x!)), ['ort.RootMeanSquare']],
  ['a product scaled', ({ x, y }) => tf.matMul(x!, y!, false, true).mul(0.5).div(4), ['BatchMatMul']],
  ['a product of a scaled operand', ({ x, y }) => tf.matMul(x!.mul(3), y!, true).mul(2), ['BatchMatMul']],
]
const plain: readonly (readonly [string, (t: Tensors) => Tensor, string])[] = [
  ['a mean over another axis', ({ x }) => x!.mul(tf.mean(x!.square(), 1, true).add(1e-5).rsqrt()), 'Rsqrt'],
  ['the root of something else', ({ x, y }) => x!.mul(root(y!)), 'Rsqrt'],
  [
    'a product that is read twice',
    ({ x, y }) => {
      const z = tf.matMul(x!, y!, false, true)
      return z.mul(0.5).add(z)
    },
    'Multiply',
  ],
]

const ops = (): string[] =>
  rewrite(traced)
    .nodes.map((n) => n.op)
    .filter((op) => !['Input', 'Constant', 'Fill'].includes(op))
    .sort()

async function agrees(fn: (t: Tensors) => Tensor): Promise<void> {
  const [got, wanted] = [await engine.compile(fn)(inputs), await reference.compile(fn)(inputs)]
  expect(got.shape).toEqual(wanted.shape)
  got.data.forEach((g, i) => expect(Math.abs(g - wanted.data[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(wanted.data[i]!))))
}

it.each(fused)('%s becomes one operation', async (_, fn, wanted) => {
  await agrees(fn)
  expect(ops()).toEqual([...wanted].sort())
})

it.each(plain)('%s stays what it is', async (_, fn, kept) => {
  await agrees(fn)
  expect(ops()).toContain(kept)
})

it('in float64 nothing is rounded to the float32 of an attribute', async () => {
  const third: readonly ((x: Tensor) => Tensor)[] = [
    (x) => tf.matMul(x, x).div(3),
    (x) => tf.matMul(x.div(3), x),
    (x) =>
      tf
        .matMul(tf.softmax(tf.matMul(x, x).reshape([1, 1, 1]).div(3)), x.reshape([1, 1, 1]))
        .mul(tf.matMul(x.reshape([1, 1, 1]).div(3), x.reshape([1, 1, 1]))),
    (x) => tf.leakyRelu(x.neg(), 1 / 3).neg(),
  ]
  for (const fn of third) {
    const one = { shape: [1, 1], dtype: 'float64', data: Float64Array.of(1) } as const
    const [y] = (await engine.compile(fn, { precision: 'float64' })(one)).data
    expect(Math.abs(y! - 1 / 3)).toBeLessThan(1e-15)
  }
})

it('in float64 norms are left alone: the runtime would keep their statistics in float32', async () => {
  await engine.compile(({ x }: Tensors) => unit(x!), { precision: 'float64' })(inputs)
  expect(ops()).toContain('Rsqrt')
})
