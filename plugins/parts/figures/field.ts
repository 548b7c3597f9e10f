import type { Json } from 'ockham'
import { rounded } from './lines.js'
import { colours } from './theme.js'

/** A number on a square of the plane, `side` long, around a centre. */
export interface Square {
  readonly x: number
  readonly y: number
  readonly value: number
}

/** Shades of a number over the plane, with points on it, coloured by their class where they have one. */
export function field(
  squares: readonly Square[],
  side: readonly [number, number],
  points: readonly { readonly x: number; readonly y: number; readonly of: string }[],
  { x, y, value, title }: { x: string; y: string; value: string; title?: string },
): Json {
  // Squares overlap by a little, so that no seam shows between them.
  const half = side.map((d) => 0.52 * d) as [number, number]
  const values = squares.map((s) => ({
    x: rounded(s.x - half[0]),
    x2: rounded(s.x + half[0]),
    y: rounded(s.y - half[1]),
    y2: rounded(s.y + half[1]),
    value: rounded(s.value),
  }))
  const axis = (of: string, title: string) => ({
    field: of,
    type: 'quantitative',
    title,
    scale: { nice: false, zero: false },
    axis: { grid: false, tickCount: 5 },
  })
  const names = [...new Set(points.map((p) => p.of))].sort()
  return {
    ...(title === undefined ? {} : { title }),
    width: 300,
    height: 260,
    layer: [
      {
        data: { values },
        mark: { type: 'rect', stroke: null, opacity: 1 },
        encoding: {
          x: axis('x', x),
          x2: { field: 'x2' },
          y: axis('y', y),
          y2: { field: 'y2' },
          color: { field: 'value', type: 'quantitative', scale: { scheme: 'viridis' }, legend: { title: value, gradientLength: 120 } },
        },
      },
      {
        data: { values: points.map((p) => ({ x: rounded(p.x), y: rounded(p.y), of: p.of })) },
        mark: { type: 'point', filled: true, size: 22, stroke: '#20242a', strokeWidth: 0.7, opacity: 1 },
        encoding: {
          x: axis('x', x),
          y: axis('y', y),
          fill: {
            field: 'of',
            type: 'nominal',
            sort: names,
            scale: { domain: names, range: [colours[1], '#ffffff', ...colours.slice(3)] },
            legend: null,
          },
        },
      },
    ],
    resolve: { scale: { color: 'independent', fill: 'independent' } },
  }
}
