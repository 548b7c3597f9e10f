import type { Extent } from './extent.js'
import type { Picture } from './picture.js'

/** The width, in source pixels at scale 1, and height of a filter: `box` averages areas, `bilinear` interpolates. */
const filters = {
  box: { support: 0.5, at: (x: number): number => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x: number): number => Math.max(0, 1 - Math.abs(x)) },
} as const

export type Filter = keyof typeof filters

interface Taps {
  readonly from: number
  readonly weights: Float64Array
}

/** For each of `to` places, the source places among `length` and their weights; a filter widens where a picture shrinks. */
function tapsOf(length: number, to: number, filter: Filter): Taps[] {
  const { support, at } = filters[filter]
  const scale = length / to
  const stretch = Math.max(1, scale)
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale
    const from = Math.max(0, Math.floor(centre - support * stretch + 0.5))
    const end = Math.min(length, Math.floor(centre + support * stretch + 0.5))
    const raw = Float64Array.from({ length: Math.max(1, end - from) }, (_, k) => at((from + k + 0.5 - centre) / stretch))
    const total = raw.reduce((a, b) => a + b, 0)
    return { from, weights: raw.map((w) => w / total) }
  })
}

/** The picture at another size, antialiased: a separable filter over rows and columns, rounded once. */
export function resize(picture: Picture, to: Extent, filter: Filter = 'bilinear'): Picture {
  const { height, width, channels, data } = picture
  if (height === to.height && width === to.width) return picture
  const across = tapsOf(width, to.width, filter)
  const down = tapsOf(height, to.height, filter)
  const wide = new Float64Array(height * to.width * channels)
  for (let y = 0, i = 0; y < height; y++)
    for (const { from, weights } of across)
      for (let c = 0; c < channels; c++, i++) {
        let sum = 0
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[(y * width + from + k) * channels + c]!
        wide[i] = sum
      }
  const row = to.width * channels
  const out = new Uint8Array(to.height * row)
  for (const [y, { from, weights }] of down.entries())
    for (let j = 0; j < row; j++) {
      let sum = 0
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * wide[(from + k) * row + j]!
      out[y * row + j] = Math.round(sum)
    }
  return { ...to, channels, data: out }
}

/** Scaled until it covers the size, the middle kept: no stretching and no border. */
export function cover(picture: Picture, to: Extent): Picture {
  const { height, width, channels } = picture
  const scale = Math.max(to.height / height, to.width / width)
  const scaled = resize(picture, {
    height: Math.max(to.height, Math.round(height * scale)),
    width: Math.max(to.width, Math.round(width * scale)),
  })
  const [top, left] = [(scaled.height - to.height) >> 1, (scaled.width - to.width) >> 1]
  const out = new Uint8Array(to.height * to.width * channels)
  for (let y = 0; y < to.height; y++) {
    const from = ((top + y) * scaled.width + left) * channels
    out.set(scaled.data.subarray(from, from + to.width * channels), y * to.width * channels)
  }
  return { ...to, channels, data: out }
}
