import type { HostKey } from 'ockham'

/** Values in [0, 1], row-major [height, width, channels]. */
export interface Image {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly data: Float32Array
}

/** A corruption at one severity: a new image, whose values may leave [0, 1]. */
export type Corrupt = (image: Image, key: HostKey) => Image

/** An image of the same size, from its values in order. */
export const filled = (image: Image, at: (i: number) => number): Image => ({
  ...image,
  data: Float32Array.from({ length: image.data.length }, (_, i) => at(i)),
})

export const clip = (v: number): number => Math.min(1, Math.max(0, v))

/** The place that place `i` outside a line of n mirrors, without repeating the border: …, 2, 1 | 0, 1, …, n − 1 | n − 2, … */
export function mirrored(i: number, n: number): number {
  if (n === 1) return 0
  const period = 2 * n - 2
  const at = ((i % period) + period) % period
  return at < n ? at : period - at
}

const clamped = (i: number, n: number): number => Math.min(n - 1, Math.max(0, i))

/** The image at a place between pixels, bilinear; beyond the border mirrored. */
export function sampled({ height, width, channels, data }: Image, y: number, x: number, channel: number): number {
  const [top, left] = [Math.floor(y), Math.floor(x)]
  const [b, a] = [y - top, x - left]
  const value = (row: number, column: number): number =>
    data[(mirrored(row, height) * width + mirrored(column, width)) * channels + channel]!
  return (
    (1 - b) * ((1 - a) * value(top, left) + a * value(top, left + 1)) + b * ((1 - a) * value(top + 1, left) + a * value(top + 1, left + 1))
  )
}

/** The image whose value at each place is that of `image` where `from` says, [y, x]. */
export function warped(image: Image, from: (y: number, x: number) => readonly [number, number]): Image {
  const { height, width, channels } = image
  const data = new Float32Array(image.data.length)
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [v, u] = from(y, x)
      for (let c = 0; c < channels; c++) data[i++] = sampled(image, v, u, c)
    }
  return { ...image, data }
}

/** For each of n places, those between which it lies after enlarging about the middle, and how far it is from the first. */
function enlarged(n: number, factor: number): { readonly first: Int32Array; readonly second: Int32Array; readonly share: Float64Array } {
  const centre = (n - 1) / 2
  const from = Float64Array.from({ length: n }, (_, i) => centre + (i - centre) / factor)
  return {
    first: Int32Array.from(from, (v) => Math.floor(v)),
    second: Int32Array.from(from, (v) => Math.min(n - 1, Math.floor(v) + 1)),
    share: from.map((v) => v - Math.floor(v)),
  }
}

/** Enlarged about the middle by a factor from 1 on, bilinear; what leaves the frame is lost. */
export function zoomed(image: Image, factor: number): Image {
  const { height, width, channels, data } = image
  const [down, across] = [enlarged(height, factor), enlarged(width, factor)]
  const out = new Float32Array(data.length)
  for (let y = 0, i = 0; y < height; y++) {
    const [top, bottom, b] = [down.first[y]! * width, down.second[y]! * width, down.share[y]!]
    for (let x = 0; x < width; x++) {
      const [left, right, a] = [across.first[x]!, across.second[x]!, across.share[x]!]
      for (let c = 0; c < channels; c++) {
        const upper = (1 - a) * data[(top + left) * channels + c]! + a * data[(top + right) * channels + c]!
        const lower = (1 - a) * data[(bottom + left) * channels + c]! + a * data[(bottom + right) * channels + c]!
        out[i++] = (1 - b) * upper + b * lower
      }
    }
  }
  return { ...image, data: out }
}

/** Values smeared along a direction, weights falling as half a Gaussian over 2 · radius + 1 places; the border is drawn out. */
export function smeared(image: Image, radius: number, sigma: number, degrees: number): Image {
  const { height, width, channels, data } = image
  const angle = (degrees * Math.PI) / 180
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-(i * i) / (2 * sigma * sigma)))
  const total = weights.reduce((a, b) => a + b)
  const steps = weights.map((w, i) => ({ w: w / total, dy: Math.round(i * Math.sin(angle)), dx: Math.round(i * Math.cos(angle)) }))
  const out = new Float32Array(data.length)
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++, i++)
        for (const { w, dy, dx } of steps)
          out[i] = out[i]! + w * data[(clamped(y + dy, height) * width + clamped(x + dx, width)) * channels + c]!
  return { ...image, data: out }
}
