import type { Json } from 'ockham'
import { rounded } from './lines.js'
import { colours } from './theme.js'

/** A predictive distribution at one place: its mean, and the standard deviations of what is not known and of all together. */
export interface BandPoint {
  readonly x: number
  readonly mean: number
  readonly epistemic: number
  readonly total: number
}

/** Mean with two bands of two standard deviations, of the function and of what is observed, over points that were seen. */
export function bands(
  curve: readonly BandPoint[],
  points: readonly { readonly x: number; readonly y: number }[],
  { x, y, title }: { x: string; y: string; title?: string },
): Json {
  const values = curve.map((p) => ({
    x: rounded(p.x),
    mean: rounded(p.mean),
    low: rounded(p.mean - 2 * p.epistemic),
    high: rounded(p.mean + 2 * p.epistemic),
    least: rounded(p.mean - 2 * p.total),
    most: rounded(p.mean + 2 * p.total),
  }))
  const across = { field: 'x', type: 'quantitative', title: x, scale: { nice: false, zero: false }, axis: { grid: false, tickCount: 5 } }
  const up = (field: string): { [name: string]: Json } => ({ field, type: 'quantitative', title: y, scale: { zero: false } })
  const band = (low: string, high: string, opacity: number): Json => ({
    mark: { type: 'area', color: colours[0], opacity },
    encoding: { x: across, y: up(low), y2: { field: high } },
  })
  return {
    ...(title === undefined ? {} : { title }),
    width: 300,
    height: 200,
    data: { values },
    layer: [
      band('least', 'most', 0.18),
      band('low', 'high', 0.3),
      { mark: { type: 'line', color: colours[0] }, encoding: { x: across, y: up('mean') } },
      {
        data: { values: points.map((p) => ({ x: rounded(p.x), y: rounded(p.y) })) },
        mark: { type: 'point', filled: true, size: 14, color: colours[1], opacity: 0.8 },
        encoding: { x: across, y: up('y') },
      },
    ],
  }
}
