import { hostKey, type Call, type Engine, type Key, type Tensors, type Value, type Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '../../services/engine/index.js'
import { onnxruntime } from '../../services/onnxruntime/index.js'
import { engines } from '../training/testing.js'
import { attention, attentionInit } from './attention.js'
import { dropout } from './dropout.js'
import { embedding } from './embedding.js'
import { gelu, geluTanh } from './gelu.js'
import { groupNorm, layerNorm, normInit, rmsNorm } from './norms.js'

const call = (key: Key, train = false, seen: Record<string, Tensor> = {}): Call => ({
  train,
  key,
  at: (point, h) => (seen[point] = h),
  next: () => undefined,
})
const vars = (params: Tensors) => ({ params, frozen: {}, state: {} })
const draw = (name: string, shape: readonly number[]): Value => hostKey(7).fold(name).normal(shape)

const ids: Value = { shape: [2, 5], dtype: 'int32', data: Int32Array.of(1, 4, 2, 0, 3, 3, 3, 1, 0, 5) }

/** What is checked: inputs by name, and a scalar of them. */
const cases: Readonly<Record<string, { readonly inputs: Values; readonly fn: (p: Tensors, key: Key) => Tensor }>> = {
  layerNorm: {
    inputs: { x: draw('x', [3, 4, 5]), 'n.scale': draw('s', [5]), 'n.shift': draw('t', [5]) },
    fn: (p, key) => layerNorm(vars(p), 'n', p['x']!, call(key)),
  },
  rmsNorm: {
    inputs: { x: draw('x', [4, 5]), 'n.scale': draw('s', [5]) },
    fn: (p, key) => rmsNorm(vars(p), 'n', p['x']!, call(key)),
  },
  groupNorm: {
    inputs: { x: draw('x', [2, 3, 3, 6]), 'n.scale': draw('s', [6]), 'n.shift': draw('t', [6]) },
    fn: (p, key) => groupNorm(vars(p), 'n', p['x']!, 3, call(key)),
  },
  gelu: { inputs: { x: draw('x', [20]) }, fn: (p) => gelu(p['x']!) },
  geluTanh: { inputs: { x: draw('x', [20]) }, fn: (p) => geluTanh(p['x']!) },
  dropout: { inputs: { x: draw('x', [20]) }, fn: (p, key) => dropout('d', p['x']!, 0.3, call(key, true)) },
  embedding: {
    inputs: { 'e.table': draw('e', [6, 3]) },
    fn: (p, key) => embedding(vars(p), 'e', tf.tensor(Array.from(ids.data), [2, 5], 'int32'), call(key)),
  },
  attention: {
    inputs: { x: draw('x', [2, 5, 6]), ...attentionInit(hostKey(3), 'a', 6) },
    fn: (p, key) => attention(vars(p), 'a', p['x']!, call(key), { heads: 3, causal: true }),
  },
}

/** A scalar that weighs the results unevenly, so that no gradient cancels. */
const weigh = (y: Tensor): Tensor =>
  y
    .mul(
      tf
        .range(1, y.size + 1)
        .reshape(y.shape)
        .mul(0.37)
        .sin(),
    )
    .sum()

describe('gradients in float64 against central differences', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = createEngine(await onnxruntime({ threads: 1 }))
  })
  afterAll(() => engine.dispose())

  it.each(Object.entries(cases))('%s', async (_, { inputs, fn }) => {
    const double = Object.fromEntries(
      Object.entries(inputs).map(([name, v]) => [name, { ...v, dtype: 'float64' as const, data: Float64Array.from(v.data) }]),
    )
    const value = engine.compile(({ p, key }: { p: Tensors; key: Key }) => weigh(fn(p, key)), { precision: 'float64' })
    const gradient = engine.compile(
      ({ p, key }: { p: Tensors; key: Key }) => engine.valueAndGrad((q) => ({ value: weigh(fn(q, key)) as never, aux: {} }), p).grads,
      { precision: 'float64' },
    )
    const key = hostKey(5)
    const grads = await gradient({ p: double, key })
    const at = async (name: string, i: number, by: number): Promise<number> => {
      const moved = { ...double[name]!, data: double[name]!.data.slice() }
      moved.data[i]! += by
      return (await value({ p: { ...double, [name]: moved }, key })).data[0]!
    }
    for (const [name, g] of Object.entries(grads)) {
      for (const i of new Set([0, g.data.length >> 1, g.data.length - 1])) {
        const h = 1e-5
        const wanted = ((await at(name, i, h)) - (await at(name, i, -h))) / (2 * h)
        expect(Math.abs(g.data[i]! - wanted), `${name}[${i}]: ${g.data[i]} for ${wanted}`).toBeLessThan(
          1e-7 * Math.max(1, Math.abs(wanted)),
        )
      }
    }
  })
})

describe.each(Object.entries(engines))('on %s', (_, start) => {
  let engine: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  const run = async (inputs: Values, fn: (p: Tensors, key: Key) => Tensor, key = hostKey(5)): Promise<Value> => {
    const program = engine.compile(({ p, k }: { p: Tensors; k: Key }) => fn(p, k))
    return program({ p: inputs, k: key })
  }

  it('layer norm leaves rows of mean 0 and variance 1', async () => {
    const y = await run({ x: draw('x', [4, 50]), ...normInit('n', 50) }, (p, key) => layerNorm(vars(p), 'n', p['x']!, call(key)))
    for (let row = 0; row < 4; row++) {
      const r = Array.from(y.data.subarray(50 * row, 50 * row + 50))
      expect(r.reduce((a, b) => a + b, 0) / 50).toBeCloseTo(0, 5)
      expect(r.reduce((a, b) => a + b * b, 0) / 50).toBeCloseTo(1, 3)
    }
  })

  it('root mean square norm divides by it', async () => {
    const x = { shape: [1, 2], dtype: 'float32', data: Float32Array.of(3, 4) } as const
    const scale = { shape: [2], dtype: 'float32', data: Float32Array.of(1, 2) } as const
    const y = await run({ x, 'n.scale': scale }, (p, key) => rmsNorm(vars(p), 'n', p['x']!, call(key)))
    const root = Math.sqrt(12.5)
    expect(y.data[0]).toBeCloseTo(3 / root, 5)
    expect(y.data[1]).toBeCloseTo(8 / root, 5)
  })

  it('group norm with one channel a group standardises each channel by itself', async () => {
    const x = draw('x', [2, 10, 3])
    const y = await run({ x, ...normInit('n', 3) }, (p, key) => groupNorm(vars(p), 'n', p['x']!, 3, call(key)))
    const channel = (v: Value): number[] => Array.from({ length: 10 }, (_, i) => v.data[30 + 3 * i + 1]!)
    const values = channel(x)
    const mean = values.reduce((a, b) => a + b) / 10
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / 10
    channel(y).forEach((g, i) => expect(g).toBeCloseTo((values[i]! - mean) / Math.sqrt(variance + 1e-5), 4))
  })

  it('GELU: exact and approximate agree to the paper’s precision, and exact values are right', async () => {
    const x = { shape: [5], dtype: 'float32', data: Float32Array.of(-2, -0.5, 0, 1, 3) } as const
    const exact = await run({ x }, (p) => gelu(p['x']!))
    const close = await run({ x }, (p) => geluTanh(p['x']!))
    // x Φ(x) with Φ from a table of the normal distribution.
    const wanted = [-2 * 0.02275013, -0.5 * 0.30853754, 0, 0.84134475, 3 * 0.9986501]
    wanted.forEach((w, i) => expect(exact.data[i]).toBeCloseTo(w, 5))
    wanted.forEach((w, i) => expect(Math.abs(close.data[i]! - w)).toBeLessThan(1e-3))
  })

  it('dropout keeps the mean while training, shares its mask by name, and is nothing otherwise', async () => {
    const x = { shape: [4000], dtype: 'float32', data: new Float32Array(4000).fill(1) } as const
    const y = await run({ x }, (p, key) => dropout('d', p['x']!, 0.25, call(key, true)))
    const kept = Array.from(y.data).filter((v) => v !== 0)
    for (const v of kept) expect(v).toBeCloseTo(4 / 3, 5)
    // Four standard errors of 4000 draws.
    expect(Math.abs(kept.length / 4000 - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / 4000))
    const same = await run({ x }, (p, key) =>
      dropout('d', p['x']!, 0.25, call(key, true)).sub(dropout('d', p['x']!, 0.25, call(key, true))),
    )
    expect(Array.from(same.data).every((v) => v === 0)).toBe(true)
    expect((await run({ x }, (p, key) => dropout('d', p['x']!, 0.25, call(key)))).data).toEqual(x.data)
  })

  it('attention that is causal does not look ahead, and its weights sum to one', async () => {
    const inputs = { x: draw('x', [1, 5, 4]), ...attentionInit(hostKey(3), 'a', 4) }
    const fn = (p: Tensors, key: Key): Tensor => attention(vars(p), 'a', p['x']!, call(key), { heads: 2, causal: true })
    const before = await run(inputs, fn)
    const moved = { ...inputs.x, data: inputs.x.data.slice() }
    moved.data[4 * 4] = 9
    const after = await run({ ...inputs, x: moved }, fn)
    expect(Array.from(after.data.subarray(0, 16))).toEqual(Array.from(before.data.subarray(0, 16)))
    expect(after.data[16]).not.toBeCloseTo(before.data[16]!, 3)
    const weights = await run(inputs, (p, key) => {
      const seen: Record<string, Tensor> = {}
      attention(vars(p), 'a', p['x']!, call(key, false, seen), { heads: 2, causal: true })
      return seen['a.weights']!.sum(-1)
    })
    for (const w of weights.data) expect(w).toBeCloseTo(1, 5)
  })
})
