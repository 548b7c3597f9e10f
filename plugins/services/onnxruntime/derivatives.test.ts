import type { Engine, Tensors, Value, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import { random, type Random } from '../engine/test-cases.js'
import type { Scalar, Tensor, Tensor4D } from '../engine/tensor.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = createEngine(await onnxruntime({ threads: 1 }))
})
afterAll(() => engine.dispose())

type Fn = (p: Tensors) => Tensor
interface Case {
  readonly name: string
  readonly inputs: (r: Random) => Values
  readonly fn: Fn
}

const at = (name: string, shapes: Readonly<Record<string, readonly number[]>>, fn: Fn, low = -1, high = 1): Case => ({
  name,
  inputs: (r) => Object.fromEntries(Object.entries(shapes).map(([n, s]) => [n, r.floats(s, low, high)])),
  fn,
})

const x4 = (p: Tensors): Tensor4D => p['x'] as Tensor4D
const w4 = (p: Tensors): Tensor4D => p['w'] as Tensor4D

/** Numbers far apart, so that no maximum changes within a difference: a shuffled ladder. */
const ladder = (shape: readonly number[]): Case['inputs'] => {
  const size = shape.reduce((a, b) => a * b, 1)
  return (r) => {
    const order = [...r.floats([size]).data].map((key, i) => [key, i] as const).sort((a, b) => a[0] - b[0])
    const data = new Float32Array(size)
    order.forEach(([, i], rank) => void (data[i] = (rank - size / 2) / 20))
    return { x: { shape, dtype: 'float32', data } }
  }
}

const cases: readonly Case[] = [
  at('conv2d, same', { x: [2, 4, 5, 2], w: [3, 3, 2, 3] }, (p) => tf.conv2d(x4(p), w4(p), 1, 'same')),
  at('conv2d, strides 2, padded', { x: [2, 6, 5, 2], w: [3, 2, 2, 3] }, (p) => tf.conv2d(x4(p), w4(p), 2, 1)),
  at('conv2d, dilated, same', { x: [2, 6, 7, 2], w: [3, 3, 2, 2] }, (p) => tf.conv2d(x4(p), w4(p), 1, 'same', 'NHWC', 2)),
  at('conv2d, dilated, valid', { x: [1, 7, 8, 2], w: [2, 3, 2, 2] }, (p) => tf.conv2d(x4(p), w4(p), 1, 'valid', 'NHWC', [3, 2])),
  at('conv2d, dilated, channels first', { x: [1, 2, 7, 6], w: [3, 3, 2, 2] }, (p) => tf.conv2d(x4(p), w4(p), 1, 2, 'NCHW', 2)),
  at('conv1d', { x: [2, 7, 2], w: [3, 2, 3] }, (p) => tf.conv1d(p['x'] as never, p['w'] as never, 1, 'same', 'NWC', 2)),
  at('transposed', { x: [1, 3, 3, 2], w: [3, 3, 3, 2] }, (p) => tf.conv2dTranspose(x4(p), w4(p), [1, 6, 6, 3], 2, 'same')),
  at('depthwise', { x: [2, 4, 5, 2], w: [3, 3, 2, 2] }, (p) => tf.depthwiseConv2d(x4(p), w4(p), 1, 'same')),
  at('depthwise, strides 2', { x: [1, 5, 5, 3], w: [2, 2, 3, 1] }, (p) => tf.depthwiseConv2d(x4(p), w4(p), 2, 'valid')),
  at('depthwise, dilated', { x: [1, 6, 7, 2], w: [3, 2, 2, 2] }, (p) => tf.depthwiseConv2d(x4(p), w4(p), 1, 'same', 'NHWC', 2)),
  { name: 'maxPool, tiles', inputs: ladder([2, 4, 6, 2]), fn: (p) => tf.maxPool(x4(p), 2, 2, 'valid') },
  { name: 'maxPool, overlapping, same', inputs: ladder([1, 5, 6, 2]), fn: (p) => tf.maxPool(x4(p), 3, 2, 'same') },
  at('avgPool, same', { x: [2, 5, 4, 2] }, (p) => tf.avgPool(x4(p), 3, 2, 'same')),
  at('avgPool, ceil', { x: [1, 6, 5, 2] }, (p) => tf.avgPool(x4(p), 3, 2, 0, 'ceil')),
  at('resizeBilinear, half pixels', { x: [1, 3, 4, 2] }, (p) => tf.image.resizeBilinear(x4(p), [7, 5], false, true)),
  at('resizeBilinear, corners', { x: [2, 4, 3, 1] }, (p) => tf.image.resizeBilinear(x4(p), [3, 6], true)),
  at('resizeNearestNeighbor', { x: [1, 3, 4, 2] }, (p) => tf.image.resizeNearestNeighbor(x4(p), [5, 8])),
  at('elu', { x: [3, 4] }, (p) => tf.elu(p['x']!)),
  at('gatherND', { x: [3, 4] }, (p) => tf.gatherND(p['x']!, tf.tensor2d([0, 1, 2, 3, 0, 1], [3, 2], 'int32'))),
  at('scatterND', { x: [3, 2] }, (p) => tf.scatterND(tf.tensor2d([1, 3, 1], [3, 1], 'int32'), p['x']!, [5, 2])),
  at('stridedSlice', { x: [5, 6] }, (p) => tf.stridedSlice(p['x']!, [4, 0], [0, 6], [-2, 2])),
  { name: 'topk', inputs: ladder([3, 6]), fn: (p) => tf.topk(p['x']!, 3).values },
  at('mirrorPad', { x: [3, 4] }, (p) =>
    tf.mirrorPad(
      p['x']!,
      [
        [1, 2],
        [2, 0],
      ],
      'reflect',
    ),
  ),
  ...[
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ].map(([exclusive, reverse]) =>
    at(`cumprod${exclusive ? ', exclusive' : ''}${reverse ? ', reverse' : ''}`, { x: [2, 5] }, (p) =>
      tf.cumprod(p['x']!, 1, exclusive, reverse),
    ),
  ),
  at('cumprod through a zero', { x: [4] }, (p) => tf.cumprod(p['x']!.mul(tf.tensor1d([1, 0, 1, 1])))),
  at('einsum, matrices', { x: [2, 3], w: [3, 4] }, (p) => tf.einsum('ij,jk->ik', p['x']!, p['w']!)),
  at('einsum, summed alone', { x: [2, 3], w: [4] }, (p) => tf.einsum('ij,k->ik', p['x']!, p['w']!)),
  at('einsum, batched', { x: [2, 3, 2], w: [2, 2, 2] }, (p) => tf.einsum('bij,bkj->bik', p['x']!, p['w']!)),
]

const loss =
  (fn: Fn) =>
  (p: Tensors): Scalar =>
    tf.sin(fn(p)).sum<Scalar>()

const gradient = (fn: Fn, p: Tensors): Tensors => engine.valueAndGrad((q) => ({ value: loss(fn)(q), aux: undefined }), p).grads

const inner = (a: Values, b: Values): number =>
  Object.keys(a).reduce((sum, name) => sum + [...a[name]!.data].reduce((s, x, i) => s + x * b[name]!.data[i]!, 0), 0)

const wide = (v: Value): Value => ({ ...v, dtype: 'float64', data: Float64Array.from(v.data) })
const moved = (p: Values, along: Values, by: number): Values =>
  Object.fromEntries(
    Object.entries(p).map(([n, v]) => [n, { ...v, data: Float64Array.from(v.data, (x, i) => x + by * along[n]!.data[i]!) }]),
  )
const widen = (p: Values): Values => Object.fromEntries(Object.entries(p).map(([n, v]) => [n, wide(v)]))

describe('first and second derivatives in float64 against central differences', () => {
  it.each(cases.map((c, i) => [c.name, c, i] as const))('%s', async (_, { inputs, fn }, seed) => {
    const r = random(seed + 7)
    const p = widen(inputs(r))
    const shaped = (): Values => Object.fromEntries(Object.entries(p).map(([n, v]) => [n, wide(r.floats(v.shape, -1, 1))]))
    const [d, v] = [shaped(), shaped()]
    const options = { precision: 'float64' } as const
    const value = engine.compile((q: Tensors) => loss(fn)(q), options)
    const first = engine.compile((q: Tensors) => gradient(fn, q), options)
    const second = engine.compile((a: { p: Tensors; v: Tensors }) => {
      const along = (q: Tensors): Scalar => {
        const g = gradient(fn, q)
        return Object.keys(g).reduce<Tensor>((s, n) => s.add(g[n]!.mul(a.v[n]!).sum()), tf.scalar(0)) as Scalar
      }
      return engine.valueAndGrad((q) => ({ value: along(q), aux: undefined }), a.p).grads
    }, options)

    const h = 1e-5
    const [up, down] = [moved(p, d, h), moved(p, d, -h)]
    const slope = ((await value(up)).data[0]! - (await value(down)).data[0]!) / (2 * h)
    expect(inner(await first(p), d) - slope).toBeCloseTo(0, 7)

    const bend = (inner(await first(up), v) - inner(await first(down), v)) / (2 * h)
    expect(Math.abs(bend), 'curvature').toBeGreaterThan(1e-4)
    expect(inner(await second({ p, v }), d) - bend).toBeCloseTo(0, 7)
    for (const program of [value, first, second]) program.dispose()
  })
})
