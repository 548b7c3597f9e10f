import { blur } from '../images/index.js'
import { filled, mirrored, smeared, zoomed, type Corrupt, type Image } from './image.js'

/** Every channel under a Gaussian. */
export function gaussianBlurred(image: Image, sigma: number): Image {
  const { height, width, channels, data } = image
  const out = new Float32Array(data.length)
  const plane = new Float32Array(height * width)
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < plane.length; i++) plane[i] = data[i * channels + c]!
    blur(plane, { height, width }, sigma)
    for (let i = 0; i < plane.length; i++) out[i * channels + c] = plane[i]!
  }
  return { ...image, data: out }
}

export const gaussianBlur =
  (sigma: number): Corrupt =>
  (image) =>
    gaussianBlurred(image, sigma)

interface Tap {
  readonly dy: number
  readonly dx: number
  readonly weight: number
}

/** A disc of a radius on a grid, its border softened by a Gaussian of three pixels; weights of sum 1. */
function disc(radius: number, soft: number): readonly Tap[] {
  const reach = Math.ceil(radius) + 1
  const places = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach)
  const inside = (y: number, x: number): number => (y * y + x * x <= radius * radius ? 1 : 0)
  const edge = Math.exp(-1 / (2 * soft * soft))
  const softened = (y: number, x: number): number => {
    let sum = 0
    for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) sum += inside(y + dy, x + dx) * edge ** (Math.abs(dy) + Math.abs(dx))
    return sum
  }
  const taps = places.flatMap((dy) => places.map((dx) => ({ dy, dx, weight: softened(dy, dx) }))).filter(({ weight }) => weight > 0)
  const total = taps.reduce((sum, { weight }) => sum + weight, 0)
  return taps.map((tap) => ({ ...tap, weight: tap.weight / total }))
}

/** Out of focus: every pixel spread over a soft disc. */
export const defocusBlur = (radius: number, soft: number): Corrupt => {
  const taps = disc(radius, soft)
  return (image) => {
    const { height, width, channels, data } = image
    const out = new Float32Array(data.length)
    for (const { dy, dx, weight } of taps)
      for (let y = 0, i = 0; y < height; y++) {
        const row = mirrored(y + dy, height) * width
        for (let x = 0; x < width; x++) {
          const from = (row + mirrored(x + dx, width)) * channels
          for (let c = 0; c < channels; c++, i++) out[i] = out[i]! + weight * data[from + c]!
        }
      }
    return { ...image, data: out }
  }
}

/** Seen through glass: a blur, neighbours changing places, a blur. */
export const glassBlur =
  (sigma: number, rounds: number): Corrupt =>
  (image, key) => {
    const before = gaussianBlurred(image, sigma)
    const { height, width, channels, data } = before
    for (let round = 0; round < rounds; round++) {
      const moves = key.fold(round).integers([height, width, 2], 2).data
      for (let y = height - 1; y > 0; y--)
        for (let x = width - 1; x > 0; x--) {
          const at = y * width + x
          const [here, there] = [at * channels, ((y - moves[2 * at]!) * width + x - moves[2 * at + 1]!) * channels]
          for (let c = 0; c < channels; c++) [data[here + c], data[there + c]] = [data[there + c]!, data[here + c]!]
        }
    }
    return gaussianBlurred(before, sigma)
  }

/** Moved while the shutter was open, in a direction within 45 degrees of the horizontal. */
export const motionBlur =
  (radius: number, sigma: number): Corrupt =>
  (image, key) =>
    smeared(image, radius, sigma, 90 * key.uniform([1]).data[0]! - 45)

/** The mean of the image and of `count` enlargements of it, 1.00, 1.01, … */
export const zoomBlur =
  (count: number): Corrupt =>
  (image) => {
    const sum = Float64Array.from(image.data)
    for (let k = 0; k < count; k++) {
      const { data } = zoomed(image, 1 + 0.01 * k)
      for (let i = 0; i < sum.length; i++) sum[i]! += data[i]!
    }
    return filled(image, (i) => sum[i]! / (count + 1))
  }
