import type { Json, Recorded } from 'ockham'
import { lines, type Line } from '../../parts/figures/index.js'
import { split } from './numbers.js'

/** A run whose events are drawn, under a name; '' where there is only one. */
export interface Source {
  readonly name: string
  readonly events: readonly Recorded[]
}

type Series = Map<string, Map<number, number>>

/** The series of a chart, made where there is none yet. */
function series(charts: Map<string, Series>, chart: string, name: string): Map<number, number> {
  const all = charts.get(chart) ?? (new Map() as Series)
  const points = all.get(name) ?? new Map<number, number>()
  charts.set(chart, all.set(name, points))
  return points
}

const text = (...parts: readonly string[]): string => parts.filter((p) => p !== '').join(' ')

/** Where a fold or an epoch stands among others of its run, '' where there are no others. */
function placeOf(events: readonly Recorded[], type: 'step' | 'epoch'): (event: Recorded) => string {
  const full = (e: Recorded) => [...e.path.slice(1), ...(e.type === 'step' ? [e.fold] : [])].join('/')
  const places = new Set(events.flatMap((e) => (e.type === type ? [full(e)] : [])))
  return places.size > 1 ? full : () => ''
}

/**
 * Learning curves: a chart for each scalar of the steps, and for each metric of the epochs with a curve a split. Runs share
 * charts. What a resumed run did twice counts once, as it was done last.
 */
export function learningCurves(sources: readonly Source[]): Record<string, Json> {
  const steps = new Map<string, Series>()
  const epochs = new Map<string, Series>()
  for (const { name, events } of sources) {
    const fold = placeOf(events, 'step')
    const stage = placeOf(events, 'epoch')
    for (const event of events) {
      if (event.type === 'step')
        for (const [of, y] of Object.entries(event.values)) series(steps, of, text(name, fold(event))).set(event.step, y)
      if (event.type !== 'epoch') continue
      for (const [of, y] of Object.entries(event.values)) {
        const { split: part, metric } = split(of)
        series(epochs, metric, text(name, stage(event), part)).set(event.epoch, y)
      }
    }
  }
  return Object.fromEntries([...drawn(steps, 'step'), ...drawn(epochs, 'epoch')])
}

/** A figure a chart. A word that ends every curve's name is in the caption instead. */
const drawn = (charts: ReadonlyMap<string, Series>, x: string): [string, Json][] =>
  [...charts].map(([chart, all]) => {
    const names = [...all.keys()]
    const last = names[0]!.split(' ').at(-1)!
    const shared = names.every((name) => name === last || name.endsWith(` ${last}`)) ? last : ''
    const curves = [...all].map(([name, points]): Line => ({
      name: shared === '' ? name : name.slice(0, name.length - shared.length).trimEnd(),
      points: [...points].sort((a, b) => a[0] - b[0]),
    }))
    return [`${text(shared, chart)} by ${x}`, lines(curves, { x, y: chart })]
  })
