import type { HostKey } from 'ockham'
import { clip, filled, smeared, zoomed, type Corrupt, type Image } from './image.js'

/**
 * A random height map in [0, 1] by midpoint displacement: squares, then diamonds, on a torus whose side is a power of two; displacements shrink
 * by decay² a level. Fournier, Fussell, Carpenter 1982.
 */
export function plasma(least: number, decay: number, key: HostKey): { readonly side: number; readonly heights: Float64Array } {
  let side = 1
  while (side < least) side *= 2
  const heights = new Float64Array(side * side)
  const at = (y: number, x: number): number => (((y + side) % side) * side + ((x + side) % side)) | 0
  let amplitude = 1
  for (let step = side, level = 0; step >= 2; step /= 2, level++, amplitude /= decay * decay) {
    const half = step / 2
    const u = key.fold(level).uniform([3 * (side / step) ** 2]).data
    let next = 0
    const put = (y: number, x: number, around: readonly number[]): void => {
      heights[at(y, x)] = around.reduce((s, i) => s + heights[i]!, 0) / around.length + amplitude * (2 * u[next++]! - 1)
    }
    for (let y = 0; y < side; y += step)
      for (let x = 0; x < side; x += step) put(y + half, x + half, [at(y, x), at(y + step, x), at(y, x + step), at(y + step, x + step)])
    for (let y = 0; y < side; y += step)
      for (let x = 0; x < side; x += step)
        for (const [v, w] of [
          [y, x + half],
          [y + half, x],
        ] as const)
          put(v, w, [at(v - half, w), at(v + half, w), at(v, w - half), at(v, w + half)])
  }
  const low = heights.reduce((a, b) => Math.min(a, b), Infinity)
  const high = heights.reduce((a, b) => Math.max(a, b), -Infinity)
  return { side, heights: heights.map((h) => (h - low) / (high - low)) }
}

const most = ({ data }: Image): number => data.reduce((a, b) => Math.max(a, b), 0)

/** The height at each place of an image. */
function over(image: Image, decay: number, key: HostKey): (i: number) => number {
  const { side, heights } = plasma(Math.max(image.height, image.width), decay, key)
  return (i) => {
    const at = Math.floor(i / image.channels)
    return heights[Math.floor(at / image.width) * side + (at % image.width)]!
  }
}

/** Clouds of fog added, and the whole scaled so that the brightest value stays. */
export const fog =
  (strength: number, decay: number): Corrupt =>
  (image, key) => {
    const cloud = over(image, decay, key)
    const top = most(image)
    return filled(image, (i) => ((image.data[i]! + strength * cloud(i)) * top) / (top + strength))
  }

/**
 * Frost grown over the image: bright ridges where a random landscape crosses its middle height, on a bluish ground. The usual recipe lays
 * photographs of frost over images; these are drawn instead, in its proportions.
 */
export const frost =
  (kept: number, laid: number): Corrupt =>
  (image, key) => {
    const [coarse, fine] = [over(image, 1.4, key.fold('coarse')), over(image, 1.2, key.fold('fine'))]
    const tint = image.channels === 3 ? [0.85, 0.93, 1] : [0.93]
    const crystals = (i: number): number => clip(0.35 + 0.9 * (1 - Math.abs(2 * coarse(i) - 1)) ** 2 + 0.3 * (fine(i) - 0.5))
    return filled(image, (i) => kept * image.data[i]! + laid * tint[i % image.channels]! * crystals(i))
  }

/** Luma of ITU-R BT.601 at a pixel; of a grey image its value. */
const grey = ({ data, channels }: Image, pixel: number): number => {
  const from = pixel * channels
  return channels === 3 ? 0.299 * data[from]! + 0.587 * data[from + 1]! + 0.114 * data[from + 2]! : data[from]!
}

export interface Snowfall {
  readonly mean: number
  readonly std: number
  readonly zoom: number
  /** Flakes are where the layer is above this. */
  readonly threshold: number
  readonly radius: number
  readonly sigma: number
  /** Share of the image's own colour that stays. */
  readonly kept: number
}

/** Flakes that fall, twice over, on a whitened image. */
export const snow =
  ({ mean, std, zoom, threshold, radius, sigma, kept }: Snowfall): Corrupt =>
  (image, key) => {
    const { height, width, channels, data } = image
    const pixels = height * width
    const flakes = key.fold('flakes').normal([pixels]).data
    const layer = zoomed({ height, width, channels: 1, data: Float32Array.from(flakes, (v) => mean + std * v) }, zoom)
    const fallen = filled(layer, (i) => (layer.data[i]! < threshold ? 0 : clip(layer.data[i]!)))
    const { data: streaks } = smeared(fallen, radius, sigma, -135 + 90 * key.fold('wind').uniform([1]).data[0]!)
    return filled(image, (i) => {
      const pixel = Math.floor(i / channels)
      const white = Math.max(data[i]!, 1.5 * grey(image, pixel) + 0.5)
      return kept * data[i]! + (1 - kept) * white + streaks[pixel]! + streaks[pixels - 1 - pixel]!
    })
  }

/** The value of HSV raised: hue and saturation stay. */
export const brightness =
  (by: number): Corrupt =>
  (image) => {
    const { channels, data } = image
    const value = (i: number): number => {
      const from = i - (i % channels)
      let top = 0
      for (let c = 0; c < channels; c++) top = Math.max(top, data[from + c]!)
      return top
    }
    return filled(image, (i) => {
      const was = value(i)
      const is = clip(was + by)
      return was > 0 ? (data[i]! * is) / was : is
    })
  }
