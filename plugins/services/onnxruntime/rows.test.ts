import type { Engine, Tensors, Value, Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../engine/index.js'
import { cases, random } from '../engine/test-cases.js'
import type { Tensor } from '../engine/tensor.js'
import { tf } from '../engine/tensor.js'
import { onnxruntime } from './index.js'
import { rows } from './rows/index.js'

/** What tfjs' own cpu kernels give, outside any trace. */
function eager(inputs: Values, fn: (t: Tensors) => Tensor): Value {
  const y = tf.tidy(() =>
    fn(Object.fromEntries(Object.entries(inputs).map(([n, v]) => [n, tf.tensor(v.data, [...v.shape], v.dtype as 'float32')]))),
  )
  const value = { shape: y.shape, dtype: y.dtype as 'float32', data: y.dataSync() as Float32Array }
  y.dispose()
  return value
}

function expectClose(got: Value, wanted: Value, tolerance: number): void {
  expect(got.shape).toEqual(wanted.shape)
  wanted.data.forEach((w, i) => {
    const g = got.data[i]!
    if (g === w || (Number.isNaN(g) && Number.isNaN(w))) return
    expect(Math.abs(g - w), `element ${i}: ${g} for ${w}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(w)))
  })
}

let engine: Engine
beforeAll(async () => {
  engine = createEngine(await onnxruntime({ threads: 1 }))
})
afterAll(() => engine.dispose())

describe.each(['float32', 'float64'] as const)('every row against tfjs on cpu, %s', (precision) => {
  it.each(cases.map((c, i) => [`${c.kernel} ${c.name}`, c, i] as const))('%s', async (_, c, i) => {
    const { inputs, fn } = c.build(random(i + 100))
    const program = engine.compile((t: Tensors) => fn(t), { precision })
    const [got, wanted] = [await program(inputs), eager(inputs, fn)]
    expect(got.dtype).toBe(wanted.dtype === 'float32' ? precision : wanted.dtype)
    expectClose(got, wanted, 1e-5)
    program.dispose()
  })
})

it('has a case for every row', () => {
  const covered = new Set(cases.map((c) => c.kernel))
  expect([...rows.keys()].filter((op) => !op.startsWith('ort.') && !covered.has(op))).toEqual(['Fill'])
})

describe('float64, to a few units in the last place', () => {
  const grid = (low: number, high: number): Value => ({
    shape: [201],
    dtype: 'float64',
    data: Float64Array.from({ length: 201 }, (_, i) => low + ((high - low) * i) / 200),
  })
  const functions: readonly (readonly [string, (x: Tensor) => Tensor, (x: number) => number, number, number])[] = [
    ['atan', tf.atan, Math.atan, -40, 40],
    ['asin', tf.asin, Math.asin, -0.999, 0.999],
    ['acos', tf.acos, Math.acos, -0.999, 0.999],
    ['tan', tf.tan, Math.tan, -1.5, 1.5],
    ['sinh', tf.sinh, Math.sinh, -5, 5],
    ['cosh', tf.cosh, Math.cosh, -5, 5],
    ['asinh', tf.asinh, Math.asinh, -50, 50],
    ['acosh', tf.acosh, Math.acosh, 1.1, 50],
    ['atanh', tf.atanh, Math.atanh, -0.99, 0.99],
    ['log1p', tf.log1p, Math.log1p, -1e-9, 1e-9],
    ['log1p far', tf.log1p, Math.log1p, -0.9, 90],
    ['expm1', tf.expm1, Math.expm1, -1e-9, 1e-9],
    ['expm1 far', tf.expm1, Math.expm1, -30, 30],
    ['softplus', tf.softplus, (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), -30, 30],
  ]
  it.each(functions)('%s', async (_, fn, reference, low, high) => {
    const program = engine.compile((t: { x: Tensor }) => fn(t.x), { precision: 'float64' })
    const x = grid(low, high)
    const y = await program({ x })
    x.data.forEach((v, i) => {
      const w = reference(v)
      expect(Math.abs(y.data[i]! - w), `at ${v}`).toBeLessThanOrEqual(4e-15 * Math.max(Math.abs(w), Math.abs(v) < 1e-6 ? Math.abs(v) : 1))
    })
  })

  // Abramowitz and Stegun, table 7.1, and the complement at 3 and 5.
  it('erf', async () => {
    const program = engine.compile((t: { x: Tensor }) => tf.erf(t.x), { precision: 'float64' })
    const table: readonly (readonly [number, number])[] = [
      [0, 0],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [-1, -0.8427007929497149],
      [1.5, 0.9661051464753108],
      [2, 0.9953222650189527],
      [3, 1 - 2.209049699858544e-5],
      [5, 1 - 1.5374597944280349e-12],
      [9, 1],
      [-Infinity, -1],
    ]
    const x = Float64Array.from(table, ([at]) => at)
    const y = await program({ x: { shape: [x.length], dtype: 'float64', data: x } } as never)
    table.forEach(([at, wanted], i) => expect(Math.abs(y.data[i]! - wanted), `at ${at}`).toBeLessThanOrEqual(1e-15))
  })
})

describe('what is not finite, and integers', () => {
  const value = (data: readonly number[], dtype: 'float32' | 'int32' = 'float32'): Value => ({
    shape: [data.length],
    dtype,
    data: dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data),
  })
  const odd = value([NaN, Infinity, -Infinity, -0, 0, 1.5, -1.5, 2.5, -2.5, 0.5])
  const unary: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
    ['relu', tf.relu],
    ['relu6', tf.relu6],
    ['step', (x) => tf.step(x)],
    ['step of slope', (x) => tf.step(x, 0.5)],
    ['sign', tf.sign],
    ['round', tf.round],
    ['clip', (x) => tf.clipByValue(x, -1, 1)],
    ['sigmoid', tf.sigmoid],
    ['tanh', tf.tanh],
    ['softplus', tf.softplus],
    ['elu', tf.elu],
    ['expm1', tf.expm1],
    ['log1p', tf.log1p],
    ['abs', tf.abs],
    ['floor', tf.floor],
    ['isFinite', tf.isFinite],
    ['to bool', (x) => x.cast('bool')],
    ['max with one', (x) => tf.maximum(x, 1)],
    ['min with one', (x) => tf.minimum(x, 1)],
    ['equal to itself', (x) => tf.equal(x, x)],
    ['leakyRelu', (x) => tf.leakyRelu(x, 0.1)],
    ['max', (x) => tf.max(x)],
    ['min', (x) => tf.min(x)],
    ['sum', (x) => tf.sum(x)],
  ]
  it.each(unary)('%s', async (_, fn) => {
    const program = engine.compile((t: Tensors) => fn(t['x']!))
    expectClose(
      await program({ x: odd }),
      eager({ x: odd }, (t) => fn(t['x']!)),
      1e-6,
    )
  })

  const [a, b] = [value([7, -7, 7, -7, 0, 5], 'int32'), value([2, 2, -2, -2, 3, 0], 'int32')]
  const binary: readonly (readonly [string, (a: Tensor, b: Tensor) => Tensor])[] = [
    ['division', tf.div],
    ['floorDiv', tf.floorDiv],
    ['product', tf.mul],
    ['maximum', tf.maximum],
    ['squaredDifference', tf.squaredDifference],
  ]
  it.each(binary)('%s of int32, also by zero', async (_, fn) => {
    const program = engine.compile((t: Tensors) => fn(t['a']!, t['b']!))
    expectClose(
      await program({ a, b }),
      eager({ a, b }, (t) => fn(t['a']!, t['b']!)),
      0,
    )
  })

  it('ids outside count for nothing in a sum by segments', async () => {
    const program = engine.compile((t: Tensors) => tf.unsortedSegmentSum(t['x']!, t['ids'] as tf1, 2))
    const y = await program({ x: value([1, 2, 4, 8]), ids: value([0, -1, 1, 5], 'int32') })
    expect([...y.data]).toEqual([1, 4])
  })
})
type tf1 = import('../engine/tensor.js').Tensor1D
