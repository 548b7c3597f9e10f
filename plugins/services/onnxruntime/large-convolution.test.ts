import type { Engine, Tensors, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import { random } from '../engine/test-cases.js'
import type { Tensor, Tensor4D } from '../engine/tensor.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = createEngine(await onnxruntime({ threads: 1 }))
})
afterAll(() => engine.dispose())

type Pad = Parameters<typeof tf.conv2d>[3]
const uses: readonly (readonly [string, readonly number[], readonly number[], number, Pad])[] = [
  ['same', [8, 64, 64, 32], [3, 3, 32, 2], 1, 'same'],
  ['valid, a batch that has no eight parts', [3, 96, 96, 40], [3, 3, 40, 2], 1, 'valid'],
  // For a filter that is no square tfjs reads one number of zeros wrongly.
  [
    'two by four',
    [8, 80, 80, 24],
    [2, 4, 24, 2],
    1,
    [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ],
  ],
  ['strides', [8, 128, 128, 32], [3, 3, 32, 2], 2, 'same'],
]

// Above 2²³ numbers of patches other rows are written; tfjs' kernels are slow at that size, so there are few cases and few channels out.
describe('convolutions too large for patches', () => {
  it.each(uses)(
    '%s',
    async (_, x, k, strides, pad) => {
      const r = random(5)
      const inputs: Values = { x: r.floats(x, -1, 1), k: r.floats(k, -1, 1), b: r.floats([k[3]!]) }
      const conv = (a: Tensor, f: Tensor): Tensor => tf.conv2d(a as Tensor4D, f as Tensor4D, strides, pad)
      const all = (t: Tensors): Tensors => {
        const y = conv(t['x']!, t['k']!).add(t['b']!)
        const pull = tf.grads((a, f) => conv(a, f).add(t['b']!))
        const [byX, byK] = pull([t['x']!, t['k']!], y.mul(0.1)) as [Tensor, Tensor]
        return { y, byX, byK }
      }
      const got = await engine.compile(all)(inputs)
      const tensors = Object.fromEntries(Object.entries(inputs).map(([n, v]) => [n, tf.tensor(v.data, [...v.shape])]))
      const wanted = all(tensors)
      for (const [name, w] of Object.entries(wanted)) {
        const data = Array.from(w.dataSync())
        const scale = Math.sqrt(data.reduce((s, v) => s + v * v, 0) / data.length)
        const worst = data.reduce((most, v, i) => Math.max(most, Math.abs(v - got[name]!.data[i]!)), 0)
        expect(worst / scale, name).toBeLessThan(1e-4)
      }
      tf.dispose([wanted, tensors])
    },
    60_000,
  )
})

describe('short rows against many numbers', () => {
  it.each([
    [[64, 8, 8, 16], [16]],
    [[16], [64, 8, 8, 16]],
    [
      [16385, 5],
      [1, 5],
    ],
    [[3, 21846], [1]],
  ] as const)('%j and %j', async (a, b) => {
    const r = random(9)
    const inputs: Values = { a: r.floats(a), b: r.floats(b, 1, 2) }
    const fn = ({ a: x, b: y }: Tensors): Tensors => ({
      sum: x!.add(y!),
      difference: x!.sub(y!),
      product: x!.mul(y!),
      power: x!.abs().pow(y!),
    })
    const got = await engine.compile(fn)(inputs)
    const tensors = Object.fromEntries(Object.entries(inputs).map(([n, v]) => [n, tf.tensor(v.data, [...v.shape])]))
    const wanted = fn(tensors)
    for (const [name, w] of Object.entries(wanted)) {
      expect(got[name]!.shape).toEqual(w.shape)
      expect(
        Array.from(w.dataSync()).every((v, i) => Math.abs(v - got[name]!.data[i]!) <= 1e-5 * Math.max(1, Math.abs(v))),
        name,
      ).toBe(true)
    }
    tf.dispose([wanted, tensors])
  })
})
