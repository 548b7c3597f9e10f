/*
 * Small changes of images that keep their class: crop, flip, shift, rotation, Gaussian blur, solarisation, brightness and contrast. Images
 * are float32 in [0, 1], row-major [height, width, channels]; 0 comes in from outside.
 */
import type { HostKey } from 'ockham'
import { z } from 'zod'
import { blur, transform, type Extent } from '../images/index.js'

const amount = z.number().nonnegative().default(0)

export const augmentOptions = z.strictObject({
  crop: z.number().int().nonnegative().default(0).describe('border added all round before a part of the old size is cut out, pixels'),
  flip: z.boolean().default(false).describe('mirror half of the images, left to right'),
  shift: amount.describe('largest shift along each axis, pixels'),
  rotate: amount.describe('largest rotation to either side, degrees'),
  blur: amount.describe('largest standard deviation of the blur, pixels'),
  solarise: z.number().min(0).max(1).optional().describe('in half of the images, values v from this one on become 1 − v'),
  jitter: z.number().min(0).max(1).default(0).describe('brightness and contrast change by factors up to 1 ± this'),
  probability: z.number().min(0).max(1).default(1).describe('share of the images that are changed'),
})

export type AugmentOptions = z.output<typeof augmentOptions>

/** What is drawn for one image, in this order. */
const drawn = ['changed', 'dx', 'dy', 'degrees', 'left', 'top', 'flip', 'sigma', 'solarise', 'brightness', 'contrast'] as const

/**
 * The changes of `count` images, float64 [count, 11]: a function of the key alone. Each kind of change has a stream of its own, so that
 * adding one leaves the others as they are; {@link change} needs no key, so that it can be done anywhere.
 */
export function drawChanges(options: AugmentOptions, count: number, key: HostKey): Float64Array {
  const { crop, shift, rotate, jitter } = options
  const uniform = (name: string, each = 1): ArrayLike<number> => key.fold(name).uniform([count, each]).data
  const coins = (name: string, p: number): ArrayLike<number> => key.fold(name).bernoulli(p, [count]).data
  const changed = coins('probability', options.probability)
  const [shifts, angles, sigmas, factors] = [uniform('shift', 2), uniform('rotate'), uniform('blur'), uniform('jitter', 2)]
  const [flips, solarised] = [coins('flip', options.flip ? 0.5 : 0), coins('solarise', options.solarise === undefined ? 0 : 0.5)]
  const corners = key.fold('crop').integers([count, 2], 2 * crop + 1).data
  const centred = (u: number): number => 2 * u - 1
  const out = new Float64Array(count * drawn.length)
  for (let i = 0; i < count; i++)
    out.set(
      [
        changed[i]!,
        shift * centred(shifts[2 * i]!),
        shift * centred(shifts[2 * i + 1]!),
        rotate * centred(angles[i]!),
        corners[2 * i]! - crop,
        corners[2 * i + 1]! - crop,
        flips[i]!,
        options.blur * sigmas[i]!,
        solarised[i]!,
        1 + jitter * centred(factors[2 * i]!),
        1 + jitter * centred(factors[2 * i + 1]!),
      ],
      i * drawn.length,
    )
  return out
}

/** The part of the image that starts `left` and `top` pixels inside, mirrored or not; `from` is another array than `to`. */
function cut(from: Float32Array, to: Float32Array, { height, width }: Extent, left: number, top: number, mirrored: boolean): void {
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const [u, v] = [(mirrored ? width - 1 - x : x) + left, y + top]
      to[i] = u >= 0 && u < width && v >= 0 && v < height ? from[v * width + u]! : 0
    }
}

/** One channel moved, cut and blurred, in place. */
function move(plane: Float32Array, extent: Extent, [, dx, dy, degrees, left, top, flip, sigma]: Float64Array, before: Float32Array): void {
  if (dx !== 0 || dy !== 0 || degrees !== 0) {
    before.set(plane)
    transform(before, plane, extent, degrees!, dx!, dy!)
  }
  if (left !== 0 || top !== 0 || flip !== 0) {
    before.set(plane)
    cut(before, plane, extent, left!, top!, flip === 1)
  }
  blur(plane, extent, sigma!, before)
}

const clip = (v: number): number => Math.min(1, Math.max(0, v))

/** Brightness is a factor of all values; contrast one of their distance from the mean grey. Values stay in [0, 1]. */
function jitter(image: Float32Array, channels: number, brightness: number, contrast: number): void {
  const weights = channels === 3 ? [0.299, 0.587, 0.114] : [1]
  let grey = 0
  for (let i = 0; i < image.length; i++) {
    image[i] = clip(image[i]! * brightness)
    grey += weights[i % channels]! * image[i]!
  }
  const mean = (grey / image.length) * channels
  for (let i = 0; i < image.length; i++) image[i] = clip(mean + contrast * (image[i]! - mean))
}

/** Changes the images [n, height, width, channels] in place by what was drawn for each. */
export function change(images: Float32Array, shape: readonly number[], { solarise }: AugmentOptions, changes: Float64Array): void {
  const [count, height, width, channels] = shape as [number, number, number, number]
  const pixels = height * width
  const [before, plane] = [new Float32Array(pixels), new Float32Array(pixels)]
  for (let i = 0; i < count; i++) {
    const how = changes.subarray(i * drawn.length, (i + 1) * drawn.length)
    if (how[0] === 0) continue
    const image = images.subarray(i * pixels * channels, (i + 1) * pixels * channels)
    if (channels === 1) move(image, { height, width }, how, before)
    else if (how.subarray(1, 8).some((v) => v !== 0))
      for (let c = 0; c < channels; c++) {
        for (let j = 0; j < pixels; j++) plane[j] = image[j * channels + c]!
        move(plane, { height, width }, how, before)
        for (let j = 0; j < pixels; j++) image[j * channels + c] = plane[j]!
      }
    if (how[8] === 1) for (let j = 0; j < image.length; j++) if (image[j]! >= solarise!) image[j] = 1 - image[j]!
    if (how[9] !== 1 || how[10] !== 1) jitter(image, channels, how[9]!, how[10]!)
  }
}

/** Changes each of the images [n, height, width, channels] in place, with the given probability, by amounts that the key decides. */
export const augment = (images: Float32Array, shape: readonly number[], options: AugmentOptions, key: HostKey): void =>
  change(images, shape, options, drawChanges(options, shape[0]!, key))
