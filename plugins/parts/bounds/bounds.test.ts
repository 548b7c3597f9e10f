import { createHash } from 'node:crypto'
import { hostKey, type Bound, type Component, type Dataset, type Posterior, type Problem, type Run } from 'ockham'
import { describe, expect, it } from 'vitest'
import { glyphs, glyphsOptions } from '../datasets/index.js'
import { encodePosterior } from '../safetensors/index.js'
import plugin, { binaryKl, clopperPearson, empiricalBernstein, hoeffding, klInverse } from './index.js'

describe('numbers of the brief (T11)', () => {
  it.each([
    [0, 0.1, 0.0951626],
    [0.1, 0.05, 0.2200786],
    [0.3, 0.01, 0.3671623],
    [0.5, 0.02, 0.5990083],
  ])('klInverse(%d, %d) is %d', (q, c, wanted) => {
    expect(klInverse(q, c)).toBeCloseTo(wanted, 7)
    expect(binaryKl(q, klInverse(q, c))).toBeCloseTo(c, 12)
  })

  it('orders four bounds on 50 errors in 1000', () => {
    const variance = (0.05 * 0.95 * 1000) / 999
    const bounds = [
      clopperPearson(50, 1000, 0.05),
      klInverse(0.05, Math.log(20) / 1000),
      empiricalBernstein(0.05, variance, 1000, 0.05),
      hoeffding(0.05, 1000, 0.05),
    ]
    const wanted = [0.0628634, 0.0686847, 0.0773455, 0.0887023]
    wanted.forEach((w, i) => expect(bounds[i]).toBeCloseTo(w, 7))
  })
})

describe('closed forms and limits', () => {
  it('has the closed form of no error and of all errors', () => {
    expect(clopperPearson(0, 100, 0.05)).toBeCloseTo(1 - 0.05 ** (1 / 100), 10)
    expect(clopperPearson(100, 100, 0.05)).toBe(1)
    expect(clopperPearson(99, 100, 0.05)).toBeCloseTo(0.95 ** (1 / 100), 10)
    expect(klInverse(0, 3)).toBeCloseTo(1 - Math.exp(-3), 12)
    expect([klInverse(1, 0.1), klInverse(0.4, 0), klInverse(0, 1000)]).toEqual([1, 0.4, 1])
  })

  it.each([
    [7, 40, 0.1],
    [0, 5, 0.5],
    [300, 10_000, 0.05],
    [9_000, 10_000, 0.001],
  ])('inverts the binomial tail: %i or fewer errors in %i have probability %d', (k, n, delta) => {
    const p = clopperPearson(k, n, delta)
    let log = n * Math.log1p(-p)
    let tail = Math.exp(log)
    for (let i = 1; i <= k; i++) tail += Math.exp((log += Math.log(((n - i + 1) / i) * (p / (1 - p)))))
    expect(tail / delta).toBeCloseTo(1, 8)
  })

  it('moves as it must, and stays ordered', () => {
    for (const n of [20, 500, 60_000])
      for (const share of [0, 0.02, 0.3, 0.9]) {
        const k = Math.round(share * n)
        const at = (delta: number) =>
          [clopperPearson(k, n, delta), klInverse(k / n, -Math.log(delta) / n), hoeffding(k / n, n, delta)] as const
        const [exact, chernoff, crude] = at(0.05)
        expect(exact).toBeGreaterThan(k / n)
        expect(exact).toBeLessThan(chernoff)
        expect(chernoff).toBeLessThanOrEqual(crude)
        at(0.01).forEach((tighter, i) => expect(tighter).toBeGreaterThan(at(0.05)[i]!))
        expect(clopperPearson(2 * k, 2 * n, 0.05)).toBeLessThan(exact)
      }
  })

  it('is violated no more often than delta allows', () => {
    const [p, n, delta, rounds] = [0.12, 60, 0.1, 2000]
    const draws = hostKey(3).uniform([rounds, n]).data
    const below = [0, 0, 0]
    for (let r = 0; r < rounds; r++) {
      let k = 0
      for (let i = 0; i < n; i++) if (draws[r * n + i]! < p) k++
      const bounds = [clopperPearson(k, n, delta), klInverse(k / n, -Math.log(delta) / n), hoeffding(k / n, n, delta)]
      bounds.forEach((b, i) => (below[i]! += b < p ? 1 : 0))
    }
    // Three standard deviations of the simulation above delta; and the exact bound is not idle.
    for (const count of below) expect(count / rounds).toBeLessThan(delta + 3 * Math.sqrt((delta * (1 - delta)) / rounds))
    expect(below[0]! / rounds).toBeGreaterThan(delta / 3)
  })
})

describe('certificates', () => {
  const labels = Int32Array.from({ length: 200 }, (_, i) => (i < 10 ? 1 : 0))
  const dataset: Dataset = {
    meta: {
      task: 'classification',
      classes: ['a', 'b'],
      splits: { train: 1, test: 200 },
      shapes: { x: { shape: [4, 4, 1], dtype: 'float32' } },
      digest: 'ab',
      licence: 'none',
    },
    read: (_, rows) => ({
      x: { shape: [rows.data.length, 4, 4, 1], dtype: 'float32', data: new Float32Array(16 * rows.data.length) },
      y: { shape: [rows.data.length], dtype: 'int32', data: Int32Array.from(rows.data, (r) => labels[r]!) },
    }),
  }
  const saved = { kind: 'constant', values: { p: { shape: [1], dtype: 'float32', data: Float32Array.of(0.75) } }, meta: null } as const
  const posterior: Posterior = {
    predict({ x }) {
      const n = x!.shape[0]!
      const data = Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 ? 0.25 : 0.75))
      return Promise.resolve({ kind: 'categorical', probabilities: { shape: [n, 2], dtype: 'float32', data } })
    },
    save: () => saved,
  }
  const make = (name: string, options: object = {}): Bound => {
    const found = plugin.provides.find((p) => p.name === name) as unknown as Component<'bound'>
    return found.create(found.options.parse(options) as never, { dataset }) as Bound
  }
  const certify = (bound: Bound, delta = 0.05) => bound.certify(posterior, { dataset } as Problem, {} as Run, delta)

  it('state value, terms, assumptions and digests', async () => {
    const certificate = await certify(make('clopper-pearson'))
    expect(certificate).toMatchObject({
      unit: 'image',
      trivial: 1,
      vacuous: false,
      confidence: 0.95,
      value: clopperPearson(10, 200, 0.05),
      terms: { n: 200, errors: 10, rate: 0.05, delta: 0.05 },
    })
    expect(certificate.digests).toEqual({
      dataset: 'ab',
      posterior: createHash('sha256').update(encodePosterior(saved, dataset.meta)).digest('hex'),
    })
    expect(certificate.assumptions.length).toBe(3)
  })

  it('say that the bound is conditional where the dataset says that examples depend on each other', async () => {
    const { meta } = await glyphs(glyphsOptions.parse({}))
    const { unit, dependence } = meta as Required<typeof meta>
    const dependent: Dataset = { ...dataset, meta: { ...dataset.meta, unit, dependence } }
    const { assumptions } = await make('clopper-pearson').certify(posterior, { dataset: dependent } as Problem, {} as Run, 0.05)
    expect(assumptions[0]).toMatch(/not independent: images of one typeface are alike: there are \d+ training and 30 test typefaces/)
    expect(assumptions[0]).toMatch(/fresh images of these, not for new typefaces\. The bound is conditional/)
    expect((await certify(make('clopper-pearson'))).assumptions[0]).toMatch(/^Each image of the test split was drawn independently/)
  })

  it("take the dataset's word for what is drawn", async () => {
    const patients: Dataset = { ...dataset, meta: { ...dataset.meta, unit: 'patient' } }
    const found = await make('kl-inverse').certify(posterior, { dataset: patients } as Problem, {} as Run, 0.05)
    expect(found.unit).toBe('patient')
    expect(found.assumptions[0]).toMatch(/^Each patient of the test split/)
  })

  it('bound half the Brier score too', async () => {
    const { value, terms } = await certify(make('kl-inverse', { loss: 'brier' }))
    const rate = (190 * 0.25 ** 2 + 10 * 0.75 ** 2) / 200
    expect(terms['rate']).toBeCloseTo(rate, 12)
    expect(value).toBe(klInverse(terms['rate']!, Math.log(20) / 200))
    expect((await certify(make('kl-inverse'))).value).toBeCloseTo(klInverse(0.05, Math.log(20) / 200), 12)
  })

  it('are refused for a split that is not there', () => {
    expect(() => make('kl-inverse', { split: 'tests' })).toThrow(/OCK-EVAL-001/)
  })
})
