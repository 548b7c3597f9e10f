import { compile, type TopLevelSpec } from 'vega-lite'
import { describe, expect, it } from 'vitest'
import { heatMap, histograms, lines, reliabilityDiagram, thinned, type Line } from './index.js'

/** The specification's data, after Vega-Lite has taken it without complaint. */
const accepted = (spec: unknown): { readonly [name: string]: unknown }[] => {
  const complaints: unknown[] = []
  const logger = {
    level: () => logger,
    error: (m: unknown) => (complaints.push(m), logger),
    warn: (m: unknown) => (complaints.push(m), logger),
    info: () => logger,
    debug: () => logger,
  }
  compile(spec as TopLevelSpec, { logger })
  expect(complaints).toEqual([])
  return (spec as { data: { values: { readonly [name: string]: unknown }[] } }).data.values
}

describe('thinned', () => {
  it('keeps the mean and the number of points in bounds', () => {
    const curve = Array.from({ length: 1000 }, (_, i) => [i, (i % 2) * 2] as const)
    const few = thinned(curve, 400)
    expect(few.length).toBe(334)
    expect(few[0]).toEqual([1, 2 / 3])
    expect(thinned(curve.slice(0, 400), 400)).toEqual(curve.slice(0, 400))
  })

  it('leaves out what is not finite', () => {
    expect(
      thinned([
        [0, NaN],
        [1, 2],
        [2, Infinity],
      ]),
    ).toEqual([[1, 2]])
  })
})

describe('figures', () => {
  it('draws curves, with a logarithmic axis over decades', () => {
    const curve = (name: string, low: number): Line => ({
      name,
      points: [
        [0, low],
        [1, 1],
      ],
    })
    const spec = lines([curve('a', 0.001), curve('b', 0.5)], { x: 'step', y: 'loss' })
    expect(accepted(spec)).toContainEqual({ x: 0, y: 0.001, name: 'a' })
    expect(spec).toMatchObject({ encoding: { y: { scale: { type: 'log' } }, color: { field: 'name' } } })
    expect(lines([curve('a', -1)], { x: 'step', y: 'loss' })).not.toHaveProperty('encoding.color')
  })

  it('bins samples into shares that sum to one, the largest value included', () => {
    const values = accepted(histograms({ a: [0, 1, 1, 2], b: [2] }, { x: 'score', bins: 4 }))
    const shares = (of: string) => values.filter((v) => v['name'] === of).map((v) => v['share'])
    expect(shares('a')).toEqual([0.25, 0, 0.5, 0.25])
    expect(shares('b')).toEqual([0, 0, 0, 1])
    expect(accepted(histograms({ a: [3, 3] }, { x: 'score', bins: 2 })).map((v) => v['share'])).toEqual([1, 0])
  })

  it('shades counts by their share of the row', () => {
    const cells = [
      { row: 'a', column: 'a', count: 3 },
      { row: 'a', column: 'b', count: 1 },
      { row: 'b', column: 'a', count: 0 },
    ]
    expect(accepted(heatMap(cells, ['a', 'b'], { row: 'label', column: 'predicted' })).map((v) => v['share'])).toEqual([0.75, 0.25])
  })

  it('leaves empty bins out of a reliability diagram', () => {
    const bins = [
      { lower: 0, upper: 0.5, count: 0, confidence: null, accuracy: null },
      { lower: 0.5, upper: 1, count: 2, confidence: 0.8, accuracy: 0.5 },
    ]
    expect(accepted(reliabilityDiagram(bins))).toEqual([{ lower: 0.5, upper: 1, count: 2, confidence: 0.8, accuracy: 0.5 }])
  })
})
