import type { Json } from 'ockham'
import { rounded } from './lines.js'

/** A bin of predictions by their confidence. */
export interface ReliabilityBin {
  readonly lower: number
  readonly upper: number
  readonly count: number
  /** Means in the bin; null where it is empty. */
  readonly confidence: number | null
  readonly accuracy: number | null
}

/** Accuracy against confidence with the diagonal of perfect calibration, and below it how many predictions each bin holds. */
export function reliabilityDiagram(bins: readonly ReliabilityBin[], { title }: { title?: string } = {}): Json {
  const values = bins
    .filter((b) => b.count > 0)
    .map((b) => ({
      lower: rounded(b.lower),
      upper: rounded(b.upper),
      count: b.count,
      confidence: rounded(b.confidence!),
      accuracy: rounded(b.accuracy!),
    }))
  const across = { field: 'lower', type: 'quantitative', bin: { binned: true }, scale: { domain: [0, 1] } }
  const unit = { domain: [0, 1] }
  const diagonal = {
    data: { values: [{ a: 0, b: 1 }] },
    mark: { type: 'rule', strokeDash: [4, 4], strokeWidth: 1.2 },
    encoding: {
      x: { field: 'a', type: 'quantitative', scale: unit },
      x2: { field: 'b' },
      y: { field: 'a', type: 'quantitative', scale: unit },
      y2: { field: 'b' },
    },
  }
  const bars = {
    mark: { type: 'bar', color: '#3f7fd6', opacity: 0.75, binSpacing: 1.5 },
    encoding: {
      x: { ...across, title: null, axis: { labels: false, grid: false } },
      x2: { field: 'upper' },
      y: { field: 'accuracy', type: 'quantitative', scale: unit, title: 'accuracy', axis: { tickCount: 5 } },
    },
  }
  const means = {
    mark: { type: 'point', color: '#e07f2a', filled: true, size: 36, opacity: 1 },
    encoding: {
      x: { field: 'confidence', type: 'quantitative', scale: unit },
      y: { field: 'accuracy', type: 'quantitative', scale: unit },
    },
  }
  const counts = {
    width: 300,
    height: 48,
    mark: { type: 'bar', color: '#7f8894', opacity: 0.8, binSpacing: 1.5 },
    encoding: {
      x: { ...across, title: 'confidence', axis: { grid: false, tickCount: 5 } },
      x2: { field: 'upper' },
      y: { field: 'count', type: 'quantitative', title: 'count', axis: { tickCount: 2 } },
    },
  }
  return {
    ...(title === undefined ? {} : { title }),
    data: { values },
    spacing: 8,
    vconcat: [{ width: 300, height: 200, layer: [bars, diagonal, means] }, counts],
  }
}
