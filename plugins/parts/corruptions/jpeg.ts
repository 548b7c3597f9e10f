/*
 * What JPEG loses (ITU-T T.81): colour at half resolution, and cosine coefficients of 8 × 8 blocks rounded to multiples of a table. The entropy
 * coding loses nothing, so there is none here.
 */
import type { Corrupt, Image } from './image.js'

/** The example tables of annex K, row-major, lowest frequency first. */
const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22,
  37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]
const chrominance = Array.from({ length: 64 }, (_, i) => {
  const [row, column] = [i >> 3, i & 7]
  const corner = [
    [17, 18, 24, 47],
    [18, 21, 26, 66],
    [24, 26, 56, 99],
    [47, 66, 99, 99],
  ]
  return corner[row]?.[column] ?? 99
})

/** The table at a quality from 1 to 100, as the Independent JPEG Group scales it. */
const atQuality = (table: readonly number[], quality: number): number[] => {
  const percent = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality
  return table.map((q) => Math.min(255, Math.max(1, Math.floor((q * percent + 50) / 100))))
}

/** Orthonormal cosines: basis[frequency · 8 + place]. */
const basis = Float64Array.from({ length: 64 }, (_, i) => {
  const [k, n] = [i >> 3, i & 7]
  return (k === 0 ? Math.sqrt(1 / 8) : 0.5) * Math.cos((Math.PI * (2 * n + 1) * k) / 16)
})

/** block → B block Bᵀ, or its inverse Bᵀ block B. */
function transformed(block: Float64Array, inverse: boolean): Float64Array {
  const b = (i: number, j: number): number => (inverse ? basis[j * 8 + i]! : basis[i * 8 + j]!)
  const half = new Float64Array(64)
  const out = new Float64Array(64)
  for (let i = 0; i < 8; i++)
    for (let j = 0; j < 8; j++) for (let k = 0; k < 8; k++) half[i * 8 + j] = half[i * 8 + j]! + b(i, k) * block[k * 8 + j]!
  for (let i = 0; i < 8; i++)
    for (let j = 0; j < 8; j++) for (let k = 0; k < 8; k++) out[i * 8 + j] = out[i * 8 + j]! + half[i * 8 + k]! * b(j, k)
  return out
}

interface Plane {
  readonly height: number
  readonly width: number
  readonly data: Float64Array
}

const at = ({ height, width, data }: Plane, y: number, x: number): number =>
  data[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]!

const byte = (v: number): number => Math.min(255, Math.max(0, Math.round(v)))

/** The nearest multiple of `step`, from eighths as encoders have them; halves go away from 0. */
const multiple = (v: number, step: number): number =>
  Math.sign(v) * Math.floor((Math.round(8 * Math.abs(v)) + 4 * step) / (8 * step)) * step

/** Values from 0 to 255 after quantisation; blocks at the border are filled with the last row and column. */
function quantised(plane: Plane, table: readonly number[]): Plane {
  const { height, width } = plane
  const data = new Float64Array(height * width)
  for (let top = 0; top < height; top += 8)
    for (let left = 0; left < width; left += 8) {
      const block = Float64Array.from({ length: 64 }, (_, i) => at(plane, top + (i >> 3), left + (i & 7)) - 128)
      const rounded = transformed(block, false).map((v, i) => multiple(v, table[i]!))
      const back = transformed(rounded, true)
      for (let i = 0; i < 64; i++) {
        const [y, x] = [top + (i >> 3), left + (i & 7)]
        if (y < height && x < width) data[y * width + x] = byte(back[i]! + 128)
      }
    }
  return { height, width, data }
}

/** Means of 2 × 2 pixels; what is between two bytes goes down and up in turns. */
function halved(plane: Plane): Plane {
  const [height, width] = [Math.ceil(plane.height / 2), Math.ceil(plane.width / 2)]
  const data = Float64Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [2 * Math.floor(i / width), 2 * (i % width)]
    return Math.floor((at(plane, y, x) + at(plane, y + 1, x) + at(plane, y, x + 1) + at(plane, y + 1, x + 1) + 1 + ((x >> 1) & 1)) / 4)
  })
  return { height, width, data }
}

/** A half-resolution plane between its pixels: three quarters of the nearest and one of the next, along each axis. */
const doubled = (plane: Plane, y: number, x: number): number => {
  const [row, column] = [y >> 1, x >> 1]
  const [v, u] = [y % 2 === 0 ? row - 1 : row + 1, x % 2 === 0 ? column - 1 : column + 1]
  return (9 * at(plane, row, column) + 3 * at(plane, v, column) + 3 * at(plane, row, u) + at(plane, v, u)) / 16
}

function plane({ height, width, channels, data }: Image, weights: readonly number[], shift: number): Plane {
  const values = Float64Array.from({ length: height * width }, (_, i) =>
    byte(shift + weights.reduce((sum, w, c) => sum + w * Math.round(255 * data[i * channels + c]!), 0)),
  )
  return { height, width, data: values }
}

/** The image after JPEG at a quality, colour at half resolution. */
export const jpeg =
  (quality: number): Corrupt =>
  (image) => {
    const { height, width, channels } = image
    const [fine, coarse] = [atQuality(luminance, quality), atQuality(chrominance, quality)]
    const data = new Float32Array(image.data.length)
    if (channels === 1) {
      quantised(plane(image, [1], 0), fine).data.forEach((v, i) => (data[i] = v / 255))
      return { ...image, data }
    }
    const y = quantised(plane(image, [0.299, 0.587, 0.114], 0), fine)
    const cb = quantised(halved(plane(image, [-0.168735892, -0.331264108, 0.5], 128)), coarse)
    const cr = quantised(halved(plane(image, [0.5, -0.418687589, -0.081312411], 128)), coarse)
    for (let i = 0; i < height * width; i++) {
      const [row, column] = [Math.floor(i / width), i % width]
      const [blue, red] = [doubled(cb, row, column) - 128, doubled(cr, row, column) - 128]
      const light = y.data[i]!
      const rgb = [light + 1.402 * red, light - 0.344136286 * blue - 0.714136286 * red, light + 1.772 * blue]
      rgb.forEach((v, c) => (data[3 * i + c] = byte(v) / 255))
    }
    return { ...image, data }
  }
