import { resize } from '../images/index.js'
import { gaussianBlurred } from './blurs.js'
import { clip, filled, warped, type Corrupt, type Image } from './image.js'

/** Distances from each channel's mean times a factor. */
export const contrast =
  (factor: number): Corrupt =>
  (image) => {
    const { channels, data } = image
    const means = Array.from({ length: channels }, (_, c) => {
      let sum = 0
      for (let i = c; i < data.length; i += channels) sum += data[i]!
      return (sum * channels) / data.length
    })
    return filled(image, (i) => means[i % channels]! + factor * (data[i]! - means[i % channels]!))
  }

/** The saturation of HSV times a factor, plus a shift; hue and value stay. A pixel without hue counts as red. Colour images. */
export const saturate =
  (factor: number, shift: number): Corrupt =>
  (image) => {
    const { data } = image
    return filled(image, (i) => {
      const from = i - (i % 3)
      const rgb = [data[from]!, data[from + 1]!, data[from + 2]!]
      const [value, least] = [Math.max(...rgb), Math.min(...rgb)]
      const was = value > 0 ? (value - least) / value : 0
      const is = clip(was * factor + shift)
      if (was > 0) return value - ((value - data[i]!) * is) / was
      return i % 3 === 0 ? value : value * (1 - is)
    })
  }

const bytes = ({ height, width, channels, data }: Image) => ({
  height,
  width,
  channels,
  data: Uint8Array.from(data, (v) => Math.round(255 * clip(v))),
})

/** Made smaller by a factor, and large again, by areas. */
export const pixelate =
  (factor: number): Corrupt =>
  (image) => {
    const { height, width } = image
    const small = resize(bytes(image), { height: Math.floor(height * factor), width: Math.floor(width * factor) }, 'box')
    const { data } = resize(small, { height, width }, 'box')
    return filled(image, (i) => data[i]! / 255)
  }

/** The affine map that takes three points to three others, as a function of a place [y, x]. */
function affine(from: readonly (readonly number[])[], to: readonly (readonly number[])[]): (y: number, x: number) => [number, number] {
  const [[ay, ax], [by, bx], [cy, cx]] = from as [[number, number], [number, number], [number, number]]
  const area = (by - ay) * (cx - ax) - (cy - ay) * (bx - ax)
  return (y, x) => {
    const s = ((y - ay) * (cx - ax) - (cy - ay) * (x - ax)) / area
    const t = ((by - ay) * (x - ax) - (y - ay) * (bx - ax)) / area
    const mix = (axis: 0 | 1): number => to[0]![axis]! + s * (to[1]![axis]! - to[0]![axis]!) + t * (to[2]![axis]! - to[0]![axis]!)
    return [mix(0), mix(1)]
  }
}

/** Stretched as rubber: a random affine map, then smooth random displacements. Lengths are shares of the image's side. */
export const elastic =
  (strength: number, smooth: number, corner: number): Corrupt =>
  (image, key) => {
    const { height, width } = image
    const side = Math.min(height, width)
    const [my, mx, reach] = [Math.floor(height / 2), Math.floor(width / 2), Math.floor(side / 3)]
    const points = [
      [my + reach, mx + reach],
      [my + reach, mx - reach],
      [my - reach, mx - reach],
    ]
    const u = key.fold('corners').uniform([6]).data
    const moved = points.map((p, i) => p.map((v, axis) => v + corner * side * (2 * u[2 * i + axis]! - 1)))
    const turned = warped(image, affine(moved, points))
    if (strength === 0) return turned
    const displacement = (name: string): Float32Array => {
      const noise = key.fold(name).uniform([height * width]).data
      const field: Image = { height, width, channels: 1, data: Float32Array.from(noise, (v) => 2 * v - 1) }
      return gaussianBlurred(field, smooth * side).data
    }
    const [dy, dx] = [displacement('down'), displacement('across')]
    return warped(turned, (y, x) => [y + strength * side * dy[y * width + x]!, x + strength * side * dx[y * width + x]!])
  }
