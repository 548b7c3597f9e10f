import type { Json } from 'ockham'
import { thinned, type Point } from './thinned.js'

/** One curve. */
export interface Line {
  readonly name: string
  readonly points: readonly Point[]
}

/** Significant digits that a drawing needs. */
export const rounded = (x: number): number => Number(x.toPrecision(6))

/** Where more curves than this share a figure, the legend says nothing and goes. */
const legible = 10

/** Curves over a common axis, each thinned to 400 points. A logarithmic y-axis where all is positive and spans over two decades. */
export function lines(
  curves: readonly Line[],
  { x, y, title, zero = false }: { x: string; y: string; title?: string; zero?: boolean },
): Json {
  const values = curves.flatMap(({ name, points }) => thinned(points).map((p) => ({ x: rounded(p[0]), y: rounded(p[1]), name })))
  const heights = values.map((v) => v.y)
  const low = heights.reduce((a, b) => Math.min(a, b), Infinity)
  const high = heights.reduce((a, b) => Math.max(a, b), -Infinity)
  const scale = !zero && low > 0 && high / low > 100 ? { type: 'log' } : { zero, nice: true }
  const named = curves.length > 1 && curves.length <= legible
  const colour = { field: 'name', type: 'nominal', sort: curves.map((c) => c.name), legend: named ? {} : null }
  return {
    ...(title === undefined ? {} : { title }),
    width: 300,
    height: 200,
    data: { values },
    mark: { type: 'line', interpolate: 'linear', clip: true, ...(values.length === curves.length ? { point: true } : {}) },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: x, scale: { nice: false, zero: false }, axis: { grid: false, tickCount: 5 } },
      y: { field: 'y', type: 'quantitative', title: y, scale, axis: { tickCount: 5 } },
      ...(curves.length > 1 ? { color: colour } : {}),
    },
  }
}
