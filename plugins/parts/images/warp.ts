import type { Extent } from './extent.js'

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
