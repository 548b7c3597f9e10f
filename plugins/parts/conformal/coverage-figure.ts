import type { Json } from 'ockham'
import { colours, lines, type Line } from '../figures/index.js'
import type { Band } from './band.js'

/** Coverage against the level that was asked for, over the band in which it lies by chance. */
export function coverageFigure(curves: readonly Line[], bands: readonly (Band & { readonly level: number })[]): Json {
  const { data, mark, encoding, ...frame } = lines(curves, { x: 'level', y: 'coverage' }) as {
    readonly [name: string]: Json
    readonly data: Json
    readonly mark: Json
    readonly encoding: Json
  }
  const x = { field: 'level', type: 'quantitative' }
  const band = {
    data: { values: bands.map(({ level, low, high }) => ({ level, low, high })) },
    mark: { type: 'area', color: colours[0], opacity: 0.2 },
    encoding: { x, y: { field: 'low', type: 'quantitative', title: 'coverage' }, y2: { field: 'high' } },
  }
  return { ...frame, layer: [band, { data, mark, encoding }] }
}
