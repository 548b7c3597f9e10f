import { hostKey, type Certificate, type Dataset, type Message, type Posterior, type Problem, type Run } from 'ockham'
import { describe, expect, it } from 'vitest'
import { compression, compressionOptions } from './compression.js'
import { scalingBits } from './description.js'
import { klInverse } from './kl-inverse.js'

const n = 400
/** A tenth of the labels is not what the posterior says, all of them in the first half. */
const labels = Int32Array.from({ length: n }, (_, i) => (i < 40 ? 1 : 0))
const dataset: Dataset = {
  meta: {
    task: 'classification',
    classes: ['a', 'b', 'c', 'd'],
    splits: { train: n },
    shapes: { x: { shape: [3], dtype: 'float32' } },
    digest: 'ab',
    licence: 'none',
  },
  read: (_, rows) => ({
    x: { shape: [rows.data.length, 3], dtype: 'float32', data: new Float32Array(3 * rows.data.length) },
    y: { shape: [rows.data.length], dtype: 'int32', data: Int32Array.from(rows.data, (r: number) => labels[r]!) },
  }),
}
const scaled: Dataset = { ...dataset, scaling: { mean: [0, 0, 0], std: [1, 1, 1] } }

/** Says class a with probability one half, b with a quarter; described by 16 bits. */
function described(rows?: Int32Array): Posterior {
  const posterior: Posterior = {
    predict({ x }) {
      const count = x!.shape[0]!
      const data = Float32Array.from({ length: 4 * count }, (_, i) => [0.5, 0.25, 0.125, 0.125][i % 4]!)
      return Promise.resolve({ kind: 'categorical', probabilities: { shape: [count, 4], dtype: 'float32', data } })
    },
    save: () => ({ kind: 'constant', values: { p: { shape: [1], dtype: 'float32', data: Float32Array.of(0.5) } }, meta: null }),
  }
  const message: Message = {
    bytes: Uint8Array.of(1, 2),
    bits: 16,
    side: {},
    ...(rows && { rows }),
    decode: () => Promise.resolve(posterior),
  }
  return { ...posterior, message }
}

const certify = (options: object, data: Dataset = dataset, rows?: Int32Array): Promise<Certificate> =>
  compression(compressionOptions.parse(options), { dataset: data }).certify(
    described(rows),
    { dataset: data } as Problem,
    { key: hostKey(1) } as Run,
    0.05,
  )

const occam = (rate: number, bits: number, of = n) => klInverse(rate, (bits * Math.LN2 + Math.log(20)) / of)

describe('the bound by a description', () => {
  it('pays for the message, that it ends, and what was chosen', async () => {
    const { value, terms } = await certify({ choices: { dims: 4, seeds: 8 }, extraBits: 2 })
    expect(terms).toMatchObject({ n, rate: 0.1, 'bits.message': 16, 'bits.prefix': 9, 'bits.choices': 7, bits: 32 })
    expect(value).toBeCloseTo(occam(0.1, 32), 12)
    expect((await certify({ accounting: 'reference' })).terms).toMatchObject({ bits: 24 })
  })

  it('pays for a scaling of the inputs that was fitted to the examples, not for one that was given', async () => {
    expect(scalingBits(scaled)).toBe(0)
    const fitted = { ...scaled, fitted: true }
    expect(scalingBits(fitted)).toBe(6 * 64)
    const { value, terms } = await certify({}, fitted)
    expect(terms).toMatchObject({ 'bits.scaling': 384, bits: 25 + 384 })
    expect(value).toBeCloseTo(occam(0.1, 409), 12)
    expect((await certify({}, scaled)).terms['bits']).toBe(25)
    expect((await certify({ accounting: 'reference' }, fitted)).terms['bits']).toBe(24)
  })

  it('counts the examples alone that the start was not learnt from', async () => {
    const rows = Int32Array.from({ length: 200 }, (_, i) => 2 * i)
    const { value, terms, assumptions } = await certify({}, dataset, rows)
    expect(terms).toMatchObject({ n: 200, rate: 0.1 })
    expect(value).toBeCloseTo(occam(0.1, 25, 200), 12)
    expect(assumptions.join(' ')).toContain('the 200 examples that it did not see')
    // Draws are of these rows too: of the second half none is an error.
    const right = Int32Array.from({ length: 200 }, (_, i) => 200 + i)
    expect((await certify({ units: 50 }, dataset, right)).terms).toMatchObject({ n: 200, units: 50, rate: 0 })
  })

  it('draws of the examples have a failure probability of their own', async () => {
    const { value, terms } = await certify({ units: 1000 })
    expect(Math.abs(terms['rate']! - 0.1)).toBeLessThan(0.03)
    expect(terms['delta.sampling']).toBeCloseTo(0.05 * (n / (n + 1000)), 12)
    expect(value).toBeGreaterThan(occam(terms['rate']!, 25))
    expect(await certify({ units: 1000 })).toEqual(await certify({ units: 1000 }))
  })

  it('of top-k and of the likelihood, against what a guess comes to', async () => {
    expect(await certify({ loss: 'top-k', k: 2 })).toMatchObject({ trivial: 0.5, terms: { rate: 0 } })
    const { trivial, value, terms } = await certify({ loss: 'log-likelihood', alphas: [0.5, 1] })
    expect(trivial).toBe(2)
    expect(terms['bits.alpha']).toBe(1)
    // At α = 1 the loss is log₂ V whatever comes; at ½ it is less on these labels, and the bound takes the better of both.
    expect(value).toBeLessThanOrEqual(2)
  })
})
