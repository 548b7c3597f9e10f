import type { Json } from 'ockham'

/** A field of a heat map: names of its row and column, and how many. */
export interface Cell {
  readonly row: string
  readonly column: string
  readonly count: number
}

/** Beyond this many rows numbers no longer fit the fields. */
const legible = 16

/**
 * Counts in a grid, each shaded by its share of its row. Shades are opacities of one hue, so that they read on light and dark pages.
 * `names` orders rows and columns.
 */
export function heatMap(
  cells: readonly Cell[],
  names: readonly string[],
  { row, column, title }: { row: string; column: string; title?: string },
): Json {
  const totals = new Map<string, number>()
  for (const { row: of, count } of cells) totals.set(of, (totals.get(of) ?? 0) + count)
  const values = cells.filter((c) => c.count > 0).map((c) => ({ ...c, share: Number((c.count / totals.get(c.row)!).toFixed(4)) }))
  const side = Math.max(160, Math.min(340, names.length * 28))
  const axis = { domain: false, ticks: false, grid: false, labelOverlap: true }
  const square = {
    x: {
      field: 'column',
      type: 'nominal',
      sort: names,
      scale: { domain: names },
      title: column,
      axis: { ...axis, orient: 'bottom', labelAngle: 0 },
    },
    y: { field: 'row', type: 'nominal', sort: names, scale: { domain: names }, title: row, axis },
  }
  const shades = {
    mark: { type: 'rect', color: '#3f7fd6', cornerRadius: 2 },
    encoding: { opacity: { field: 'share', type: 'quantitative', scale: { domain: [0, 1], range: [0.06, 1] }, legend: null } },
  }
  const numbers = {
    mark: { type: 'text', fontSize: 10 },
    encoding: {
      text: { field: 'count', type: 'quantitative' },
      ...{ color: { condition: { test: 'datum.share > 0.45', value: '#ffffff' }, value: '#7f8894' } },
    },
  }
  return {
    ...(title === undefined ? {} : { title }),
    width: side,
    height: side,
    data: { values },
    encoding: square,
    layer: names.length <= legible ? [shades, numbers] : [shades],
  }
}
