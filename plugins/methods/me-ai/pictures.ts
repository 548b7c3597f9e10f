import type { Json } from 'ockham'

const digits = (x: number): number => Number(x.toPrecision(4))

/** C as a heat map: ratios in one hue, products in the other, the stronger the more opaque. */
export function correlationMap(names: readonly string[], correlation: Float64Array): Json {
  const d = names.length
  const values = Array.from(correlation, (value, i) => ({
    a: names[Math.floor(i / d)]!,
    b: names[i % d]!,
    value: digits(value),
    strength: digits(Math.abs(value)),
  })).filter((v) => v.a !== v.b)
  const side = Math.max(160, Math.min(380, d * 30))
  const axis = (field: string): Json => ({
    field,
    type: 'nominal',
    sort: names,
    scale: { domain: names },
    title: null,
    axis: { domain: false, ticks: false, grid: false, labelAngle: field === 'a' ? -60 : 0 },
  })
  return {
    title: 'correlation in the learnt metric: negative is a ratio, positive a product',
    width: side,
    height: side,
    data: { values },
    encoding: { x: axis('a'), y: axis('b') },
    layer: [
      {
        mark: { type: 'rect', cornerRadius: 2 },
        encoding: {
          color: { condition: { test: 'datum.value < 0', value: '#3f7fd6' }, value: '#e07f2a' },
          opacity: { field: 'strength', type: 'quantitative', scale: { domain: [0, 1], range: [0.04, 1] }, legend: null },
        },
      },
      ...(d <= 14
        ? [
            {
              mark: { type: 'text', fontSize: 9, color: '#7f8894' },
              encoding: { text: { field: 'value', type: 'quantitative', format: '.1f' } },
            },
          ]
        : []),
    ],
  }
}

/** Rows in the plane of two features over the probability that was learnt; the boundary is where the shades change sides. */
export function scatter(
  names: readonly [string, string],
  points: readonly { readonly a: number; readonly b: number; readonly label: string }[],
  cells: readonly { readonly a: number; readonly b: number; readonly probability: number }[],
  step: readonly [number, number],
  classes: readonly string[],
): Json {
  const edges = cells.map(({ a, b, probability }) => ({
    a: digits(a - step[0] / 2),
    a2: digits(a + step[0] / 2),
    b: digits(b - step[1] / 2),
    b2: digits(b + step[1] / 2),
    side: probability >= 0.5 ? classes[1]! : classes[0]!,
    sure: digits(Math.abs(probability - 0.5) * 2),
  }))
  const across = (field: string, title: string): Json => ({ field, type: 'quantitative', title, scale: { zero: false, nice: false } })
  const colour = (field: string): Json => ({ field, type: 'nominal', sort: classes, scale: { domain: classes } })
  return {
    title: 'what was learnt, other features at their means',
    width: 320,
    height: 260,
    layer: [
      {
        data: { values: edges },
        mark: { type: 'rect' },
        encoding: {
          x: across('a', names[0]),
          x2: { field: 'a2' },
          y: across('b', names[1]),
          y2: { field: 'b2' },
          color: colour('side'),
          opacity: { field: 'sure', type: 'quantitative', scale: { domain: [0, 1], range: [0.02, 0.35] }, legend: null },
        },
      },
      {
        data: { values: points.map(({ a, b, label }) => ({ a: digits(a), b: digits(b), side: label })) },
        mark: { type: 'point', filled: true, size: 22, opacity: 0.85 },
        encoding: { x: across('a', names[0]), y: across('b', names[1]), color: colour('side') },
      },
    ],
  }
}
