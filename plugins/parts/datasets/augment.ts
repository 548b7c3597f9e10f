/*
 * Small changes of grey images that keep their class: shift, rotation, Gaussian blur. Images are float32 in [0, 1], row-major
 * [height, width], ink on a background of 0.
 */
import type { HostKey } from 'ockham'
import { z } from 'zod'

const amount = z.number().nonnegative().default(0)

export const augmentOptions = z.strictObject({
  shift: amount.describe('largest shift along each axis, pixels'),
  rotate: amount.describe('largest rotation to either side, degrees'),
  blur: amount.describe('largest standard deviation of the blur, pixels'),
  probability: z.number().min(0).max(1).default(1).describe('share of the images that are changed'),
})

export type AugmentOptions = z.output<typeof augmentOptions>

/** Size of an image, pixels. */
export interface Extent {
  readonly height: number
  readonly width: number
}

/**
 * The image turned by `degrees` about its centre (from the x-axis towards the y-axis, which points down: clockwise to the eye) and then
 * moved by (dx, dy) pixels, into `out`. Bilinear; 0 comes in from outside.
 */
export function transform(
  image: Float32Array,
  out: Float32Array,
  { height, width }: Extent,
  degrees: number,
  dx: number,
  dy: number,
): void {
  const angle = (degrees * Math.PI) / 180
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2]
  for (let row = 0, i = 0; row < height; row++) {
    const v = row - cy - dy
    for (let column = 0; column < width; column++, i++) {
      const u = column - cx - dx
      const x = cos * u + sin * v + cx
      const y = cos * v - sin * u + cy
      const left = Math.floor(x)
      const top = Math.floor(y)
      const a = x - left
      const b = y - top
      const from = top * width + left
      if (left >= 0 && top >= 0 && left < width - 1 && top < height - 1)
        out[i] =
          (1 - b) * ((1 - a) * image[from]! + a * image[from + 1]!) + b * ((1 - a) * image[from + width]! + a * image[from + width + 1]!)
      else {
        const upper = top >= 0 && top < height
        const lower = top >= -1 && top < height - 1
        const first = left >= 0 && left < width
        const second = left >= -1 && left < width - 1
        out[i] =
          (1 - b) * ((upper && first ? (1 - a) * image[from]! : 0) + (upper && second ? a * image[from + 1]! : 0)) +
          b * ((lower && first ? (1 - a) * image[from + width]! : 0) + (lower && second ? a * image[from + width + 1]! : 0))
      }
    }
  }
}

/** Weights of a Gaussian at distances 0 … ⌈3σ⌉, of sum 1 over both sides. */
function gaussian(sigma: number): Float64Array {
  const weights = Float64Array.from({ length: Math.ceil(3 * sigma) + 1 }, (_, d) => Math.exp(-(d * d) / (2 * sigma * sigma)))
  const total = 2 * weights.reduce((a, b) => a + b, 0) - weights[0]!
  return weights.map((w) => w / total)
}

/** The place that place `i` outside a line of `length` reflects: …, 1, 0 | 0, 1, …, n − 1 | n − 1, n − 2, … */
function reflect(i: number, length: number): number {
  const around = (i < 0 ? -1 - i : i) % (2 * length)
  return around < length ? around : 2 * length - 1 - around
}

/** Convolves along one axis: `lines` lines of `length` pixels `stride` apart, line k starting at k · `next`; from `image` into `out`. */
function convolve(image: Float32Array, out: Float32Array, weights: Float64Array, [lines, next]: Pair, [length, stride]: Pair): void {
  for (let i = 0; i < length; i++) {
    const here = i * stride
    const centre = weights[0]!
    for (let k = 0, at = here; k < lines; k++, at += next) out[at] = centre * image[at]!
    for (let d = 1; d < weights.length; d++) {
      const w = weights[d]!
      const before = (i >= d ? i - d : reflect(i - d, length)) * stride - here
      const after = (i + d < length ? i + d : reflect(i + d, length)) * stride - here
      for (let k = 0, at = here; k < lines; k++, at += next) out[at] = out[at]! + w * (image[at + before]! + image[at + after]!)
    }
  }
}

type Pair = readonly [number, number]

/**
 * The image convolved with a Gaussian of standard deviation `sigma` pixels, cut at 3 σ, in place. The border reflects, so that the sum
 * of the pixels stays.
 */
export function blur(image: Float32Array, { height, width }: Extent, sigma: number, scratch = new Float32Array(image.length)): void {
  if (sigma <= 0) return
  const weights = gaussian(sigma)
  convolve(image, scratch, weights, [width, 1], [height, width])
  convolve(scratch, image, weights, [height, width], [width, 1])
}

/**
 * Changes each of the images [n, height, width, 1] in place, with the given probability: rotated and shifted, then blurred, by amounts
 * uniform up to the largest. A function of the key alone; each kind of change has its own stream.
 */
export function augment(images: Float32Array, shape: readonly number[], options: AugmentOptions, key: HostKey): void {
  const [count, height, width] = shape as [number, number, number]
  const pixels = height * width
  const changed = key.fold('probability').bernoulli(options.probability, [count]).data
  const shifts = key.fold('shift').uniform([count, 2]).data
  const angles = key.fold('rotate').uniform([count]).data
  const sigmas = key.fold('blur').uniform([count]).data
  const before = new Float32Array(pixels)
  for (let i = 0; i < count; i++) {
    if (changed[i] === 0) continue
    const image = images.subarray(i * pixels, (i + 1) * pixels)
    if (options.shift > 0 || options.rotate > 0) {
      const centred = (u: number): number => 2 * u - 1
      before.set(image)
      const [dx, dy] = [options.shift * centred(shifts[2 * i]!), options.shift * centred(shifts[2 * i + 1]!)]
      transform(before, image, { height, width }, options.rotate * centred(angles[i]!), dx, dy)
    }
    blur(image, { height, width }, options.blur * sigmas[i]!, before)
  }
}
