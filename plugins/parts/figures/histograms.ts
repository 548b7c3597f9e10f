import type { Json } from 'ockham'
import { rounded } from './lines.js'

/** Share of each sample in `bins` intervals of equal width over what all samples span; overlaid. */
export function histograms(
  samples: Readonly<Record<string, ArrayLike<number>>>,
  { x, title, bins = 40 }: { x: string; title?: string; bins?: number },
): Json {
  let low = Infinity
  let high = -Infinity
  for (const sample of Object.values(samples))
    for (let i = 0; i < sample.length; i++) {
      low = Math.min(low, sample[i]!)
      high = Math.max(high, sample[i]!)
    }
  const width = (high - low || 1) / bins
  const values = Object.entries(samples).flatMap(([name, sample]) => {
    const counts = new Float64Array(bins)
    for (let i = 0; i < sample.length; i++) counts[Math.min(bins - 1, Math.floor((sample[i]! - low) / width))]!++
    return Array.from(counts, (count, b) => ({
      name,
      from: rounded(low + b * width),
      to: rounded(low + (b + 1) * width),
      share: rounded(count / sample.length),
    }))
  })
  return {
    ...(title === undefined ? {} : { title }),
    width: 300,
    height: 200,
    data: { values },
    mark: { type: 'bar', opacity: 0.6, binSpacing: 0 },
    encoding: {
      x: {
        field: 'from',
        type: 'quantitative',
        bin: { binned: true },
        title: x,
        scale: { nice: false, zero: false },
        axis: { grid: false, tickCount: 5 },
      },
      x2: { field: 'to' },
      y: { field: 'share', type: 'quantitative', stack: null, title: 'share of examples', axis: { format: '~%', tickCount: 5 } },
      color: { field: 'name', type: 'nominal', sort: Object.keys(samples), legend: {} },
    },
  }
}
