import type { Scaling } from 'ockham'

/** Mean and standard deviation from sums over `count` numbers; no spread counts as one, so that nothing is divided by zero. */
function moments(sum: number, squares: number, count: number): [number, number] {
  const mean = sum / count
  const std = Math.sqrt(Math.max(0, squares / count - mean * mean))
  return [mean, std > 1e-12 * Math.max(1, Math.abs(mean)) ? std : 1]
}

/** Mean and standard deviation (divisor n) of each of `width` features over the rows of data [n · width]. */
export function fitFeatures(data: ArrayLike<number>, width: number): Scaling {
  const columns = Array.from({ length: width }, (_, j) => {
    // Shifted by the first value: sums of squares of large, close numbers would cancel.
    const origin = data[j] ?? 0
    let sum = 0
    let squares = 0
    for (let i = j; i < data.length; i += width) {
      const d = data[i]! - origin
      sum += d
      squares += d * d
    }
    const [mean, std] = moments(sum, squares, data.length / width)
    return [mean + origin, std] as const
  })
  return { mean: columns.map(([mean]) => mean), std: columns.map(([, std]) => std) }
}

/**
 * Mean and standard deviation of each channel over all pixels, in [0, 1]. Values are counted first: hundreds of millions of pixels take a
 * moment.
 */
export function fitPixels(data: Uint8Array, channels: number): Scaling {
  const each = Array.from({ length: channels }, (_, channel) => {
    const counts = new Float64Array(256)
    for (let i = channel; i < data.length; i += channels) counts[data[i]!]!++
    let sum = 0
    let squares = 0
    counts.forEach((count, value) => {
      sum += (count * value) / 255
      squares += count * (value / 255) ** 2
    })
    return moments(sum, squares, data.length / channels)
  })
  return { mean: each.map(([mean]) => mean), std: each.map(([, std]) => std) }
}

/** Whether two scalings map alike; absent means raw inputs. */
export const sameScaling = (a: Scaling | undefined, b: Scaling | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && JSON.stringify([a.mean, a.std]) === JSON.stringify([b.mean, b.std]))
