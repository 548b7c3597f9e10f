import type { Extent } from './extent.js'

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
export function blur(
  image: Float32Array,
  { height, width }: Extent,
  sigma: number,
  scratch: Float32Array = new Float32Array(image.length),
): void {
  if (sigma <= 0) return
  const weights = gaussian(sigma)
  convolve(image, scratch, weights, [width, 1], [height, width])
  convolve(scratch, image, weights, [height, width], [width, 1])
}
