import type { Certificate, Recorded, Result } from 'ockham'
import { describe, expect, it } from 'vitest'
import { lines } from '../../parts/figures/index.js'
import { learningCurves } from './curves.js'
import { renderCertificates, renderReport, renderSvg } from './index.js'
import { duration, shown, shownAbove } from './numbers.js'

const hostile = '"><script>alert(1)</script>'

const certificate: Certificate = {
  bound: 'clopper-pearson',
  quantity: 'error rate',
  unit: 'image',
  value: 0.0629,
  trivial: 1,
  vacuous: false,
  confidence: 0.975,
  terms: { n: 1000, rate: 0.05 },
  assumptions: ['drawn independently', hostile],
  digests: { posterior: 'ab12' },
}

const figure = lines(
  [
    {
      name: 'a',
      points: [
        [0, 1],
        [1, 2],
      ],
    },
  ],
  { x: 'x', y: 'y' },
)

const result = (o: Partial<Result> = {}): Result => ({
  run: 'r1',
  spec: { name: 'Glyphs', dataset: { use: 'glyphs' }, note: hostile },
  values: { 'test/accuracy': 0.9876543, 'test/nll': 0.05, 'validation/nll': 0.06 },
  tables: { 'test/confusion': [{ label: hostile, count: 3 }] },
  figures: { 'test/reliability': figure, 'test/ood': figure },
  certificates: [certificate, { ...certificate, bound: 'kl-inverse', vacuous: true, value: 1 }],
  timings: { inference: 100, 'inference/descent': 99 },
  versions: { ockham: '0.1.0' },
  engine: { name: 'portable', build: { threads: 2 } },
  ...o,
})

const step = (n: number, loss: number, o: { fold?: string; path?: string[] } = {}): Recorded => ({
  type: 'step',
  fold: 'descent',
  step: n,
  of: 10,
  values: { loss },
  time: '',
  path: ['inference'],
  ...o,
})

const events: Recorded[] = [
  { type: 'run.started', run: 'r1', spec: {}, time: '2026-01-02T03:04:05.678Z', path: [] },
  step(0, 2),
  step(1, 1),
  { type: 'epoch', epoch: 1, values: { 'validation/nll': 0.3 }, time: '', path: ['inference'] },
  { type: 'warning', code: 'OCK-A-001', message: hostile, time: '', path: [] },
]

describe('renderReport', () => {
  it('shows what the run came to', async () => {
    const page = await renderReport(result(), events)
    for (const text of [
      '<h1>Glyphs</h1>',
      '0.9877',
      '2026-01-02 03:04:05 UTC',
      '1.7 min',
      '≤ 0.0629',
      'ab12',
      'drawn independently',
      'vacuous',
      'dataset',
      'Reliability, test',
      'loss by step',
      'validation nll by epoch',
    ])
      expect(page).toContain(text)
    // Two certificates at 97.5 percent each.
    expect(page).toContain('hold together with confidence 95 %')
    expect(page.match(/<svg/g)?.length).toBe(4)
  })

  it('escapes everything and fetches nothing', async () => {
    const page = await renderReport(result({ run: hostile, spec: { name: hostile } }), events, { [hostile]: { result: result(), events } })
    expect(page).not.toContain('<script')
    expect(page).toContain('&lt;script&gt;')
    expect(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:|<link|<img|@import|\bsrc=/)
  })

  it('gives every element an id of its own', async () => {
    const page = await renderReport(result(), events)
    const ids = [...page.matchAll(/\bid="([^"]*)"/g)].map((m) => m[1])
    expect(ids.length).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, used] of page.matchAll(/url\(#([^)]*)\)/g)) expect(ids).toContain(used)
  })

  it('puts variants side by side, the best in bold', async () => {
    const child = (accuracy: number, nll: number) => ({
      result: result({ values: { 'test/accuracy': accuracy, 'test/nll': nll } }),
      events,
    })
    const page = await renderReport(result({ values: {}, figures: {}, certificates: [] }), [], {
      map: child(0.9, 0.25),
      fseb: child(0.95, 0.5),
    })
    expect(page).toContain('<b>0.9500</b>')
    expect(page).toContain('<b>0.2500</b>')
    expect(page).not.toContain('<b>0.9000</b>')
    expect(page).toContain('certificates of each variant hold together with confidence 95 %')
  })

  it('says in its place that a figure cannot be drawn', async () => {
    const bad = { data: { url: 'https://example.org/x.csv' }, mark: 'bar', encoding: { x: { field: 'a', type: 'nominal' } } }
    const page = await renderReport(result({ figures: { 'test/bad': bad, 'test/ood': figure } }), [])
    expect(page).toContain('OCK-REPORT-001')
    expect(page).toContain('<svg')
  })
})

describe('renderSvg', () => {
  it('draws in the colours given', async () => {
    const svg = await renderSvg(figure, { ink: 'var(--ink)' })
    expect(svg).toMatch(/^<svg/)
    expect(svg).toContain('var(--ink)')
  })

  it('refuses what is not a figure', async () => {
    await expect(renderSvg({ mark: 'nonsense' })).rejects.toThrow(/OCK-REPORT-002/)
    await expect(renderSvg(null)).rejects.toThrow(/OCK-REPORT-002/)
  })
})

describe('learningCurves', () => {
  const drawn = (curves: Record<string, unknown>, name: string) => (curves[name] as { data: { values: object[] } }).data.values

  it('counts once what a resumed run did twice', () => {
    const curves = learningCurves([{ name: '', events: [step(0, 2), step(1, 9), step(1, 1)] }])
    expect(drawn(curves, 'loss by step')).toEqual([
      { x: 0, y: 2, name: '' },
      { x: 1, y: 1, name: '' },
    ])
  })

  it('tells runs, folds and splits apart', () => {
    const ensemble = [step(0, 1, { path: ['inference', 'member0'] }), step(0, 2, { path: ['inference', 'member1'] })]
    const names = drawn(learningCurves([{ name: 'a', events: ensemble }]), 'loss by step')
    expect(names).toEqual([
      { x: 0, y: 1, name: 'a member0/descent' },
      { x: 0, y: 2, name: 'a member1/descent' },
    ])
    const epoch = (values: Record<string, number>): Recorded => ({ type: 'epoch', epoch: 1, values, time: '', path: [] })
    const both = learningCurves([{ name: '', events: [epoch({ 'train/loss': 1, 'validation/loss': 2 })] }])
    expect(drawn(both, 'loss by epoch').map((v) => (v as { name: string }).name)).toEqual(['train', 'validation'])
    const shared = learningCurves(['a', 'b'].map((name) => ({ name, events: [epoch({ 'validation/nll': 1 })] })))
    expect(drawn(shared, 'validation nll by epoch').map((v) => (v as { name: string }).name)).toEqual(['a', 'b'])
  })

  it('thins long runs', () => {
    const long = Array.from({ length: 5000 }, (_, i) => step(i, i))
    expect(drawn(learningCurves([{ name: '', events: long }]), 'loss by step').length).toBeLessThanOrEqual(400)
  })
})

it('shows numbers with about four digits', () => {
  // What a bound lies at is never said to be less, and a whole number of units is left as it is.
  expect([4.31333, 0.79956, 0.2, 0.26710001, 15.617037, 0.99999].map(shownAbove)).toEqual([
    '4.314',
    '0.7996',
    '0.2000',
    '0.2672',
    '15.62',
    '1.0000',
  ])
  expect(shown(4.31333)).toBe('4.313')
  expect([0.98765, 12.3456, 123.456, 12345.678, -0.00001, 1234567.8, 2460, NaN, null].map(shown)).toEqual([
    '0.9877',
    '12.35',
    '123.5',
    '12345.7',
    '−1.000e-5',
    '1.235e+6',
    '2,460',
    'not a number',
    '–',
  ])
  expect([0.0123, 12.34, 100, 7200].map(duration)).toEqual(['12 ms', '12.3 s', '1.7 min', '2.0 h'])
})

describe('the certificate page', () => {
  const coded: Certificate = {
    ...certificate,
    bound: 'compression',
    value: 0.12,
    terms: { n: 60_000, rate: 0.07, 'bits.symbols': 900, 'bits.codebook': 80, 'bits.choices': 0, bits: 980 },
    formula: 'value = kl⁻¹(rate, …)',
    digests: { message: 'cd34' },
  }

  it('stacks terms and bits against the trivial value, and says how to check again', () => {
    const page = renderCertificates(result({ certificates: [coded, certificate] }))!
    const widths = [...page.matchAll(/class="s\d" style="width:([\d.]+)%"/g)].map((m) => Number(m[1]))
    expect(widths).toEqual([7, 5, 91.84, 8.16, 5, 1.29])
    expect(page).toContain('compression: value = kl⁻¹(rate, …)')
    expect(page).toContain('ockham certify --decode message.bin')
    expect(page).toContain('drawn independently')
    expect(page).not.toContain(hostile)
    expect(renderCertificates(result({ certificates: [] }))).toBeUndefined()
  })

  it('names the folder of each variant', () => {
    const page = renderCertificates(result({ certificates: [] }), { wide: { result: result({ certificates: [coded] }), events: [] } })!
    expect(page).toContain('ockham certify --decode children/wide/message.bin')
  })
})
