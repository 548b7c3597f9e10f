import { expect, test } from 'vitest'
import { hostKey } from 'ockham'
import { blur, transform } from '../images/index.js'
import { augment, augmentOptions } from './augment.js'

const extent = { height: 9, width: 7 }
const image = (): Float32Array => Float32Array.from({ length: 63 }, (_, i) => ((i * 31) % 17) / 17)
const sum = (a: ArrayLike<number>): number => Array.from(a).reduce((x, y) => x + y, 0)

const transformed = (degrees: number, dx: number, dy: number, of = image(), size = extent): Float32Array => {
  const out = new Float32Array(of.length)
  transform(of, out, size, degrees, dx, dy)
  return out
}

test('no change is the identity', () => {
  expect(transformed(0, 0, 0)).toEqual(image())
  const same = image()
  blur(same, extent, 0)
  expect(same).toEqual(image())
  augment(same, [1, 9, 7, 1], augmentOptions.parse({}), hostKey(0))
  expect(same).toEqual(image())
})

test('a whole shift moves pixels, and 0 comes in', () => {
  const moved = transformed(0, 2, -1)
  for (let row = 0; row < 9; row++)
    for (let column = 0; column < 7; column++)
      expect(moved[row * 7 + column]).toBeCloseTo(row + 1 < 9 && column - 2 >= 0 ? image()[(row + 1) * 7 + column - 2]! : 0, 6)
})

test('half a pixel is the mean of two', () => {
  const moved = transformed(0, 0.5, 0)
  expect(moved[10]).toBeCloseTo((image()[9]! + image()[10]!) / 2, 6)
  expect(moved[7]).toBeCloseTo(image()[7]! / 2, 6)
})

test('90 degrees turn a square image clockwise', () => {
  const of = Float32Array.from({ length: 25 }, (_, i) => i / 25)
  const turned = transformed(90, 0, 0, of, { height: 5, width: 5 })
  for (let row = 0; row < 5; row++)
    for (let column = 0; column < 5; column++) expect(turned[row * 5 + column]).toBeCloseTo(of[(4 - column) * 5 + row]!, 5)
})

// Bilinear interpolation errs by (|f_uu| + |f_vv|) / 8 at most: 1/36 a turn for this Gaussian of variance 9.
test('turning there and back is close on a smooth image', () => {
  const size = { height: 21, width: 21 }
  const smooth = Float32Array.from({ length: 441 }, (_, i) => Math.exp(-(((i % 21) - 12) ** 2 + (Math.floor(i / 21) - 10) ** 2) / 18))
  const back = transformed(-30, 0, 0, transformed(30, 0, 0, smooth, size), size)
  for (let i = 0; i < 441; i++) expect(Math.abs(back[i]! - smooth[i]!)).toBeLessThan(2 / 36)
})

test('blur keeps the sum of the pixels at any width, borders included', () => {
  for (const sigma of [0.3, 1, 2.5, 12]) {
    const blurred = image()
    blur(blurred, extent, sigma)
    expect(sum(blurred)).toBeCloseTo(sum(image()), 3)
  }
})

test('a blurred point is a Gaussian of that variance', () => {
  const size = { height: 31, width: 31 }
  const point = new Float32Array(961)
  point[15 * 31 + 15] = 1
  blur(point, size, 1.5)
  const variance = Array.from(point).reduce((s, v, i) => s + v * ((i % 31) - 15) ** 2, 0)
  expect(Math.sqrt(variance)).toBeCloseTo(1.5, 1)
  expect(point[15 * 31 + 16]! / point[15 * 31 + 15]!).toBeCloseTo(Math.exp(-1 / 4.5), 4)
})

test('a function of the key; probability says how many change', () => {
  const make = (): Float32Array => Float32Array.from({ length: 200 * 64 }, (_, i) => ((i * 29) % 23) / 23)
  const run = (seed: number, options: object): Float32Array => {
    const images = make()
    augment(images, [200, 8, 8, 1], augmentOptions.parse(options), hostKey(seed))
    return images
  }
  const all = { shift: 2, rotate: 20, blur: 1 }
  expect(run(1, all)).toEqual(run(1, all))
  expect(run(1, all)).not.toEqual(run(2, all))
  const plain = make()
  const some = run(3, { ...all, probability: 0.25 })
  const changed = Array.from(
    { length: 200 },
    (_, i) => !some.subarray(64 * i, 64 * i + 64).every((v, j) => v === plain[64 * i + j]),
  ).filter(Boolean)
  expect(changed.length).toBeGreaterThan(30)
  expect(changed.length).toBeLessThan(70)
})

/** Images of one kind of change, and what each pixel of the plain ones is. */
const batch = (channels: number, options: object, count = 60): { plain: Float32Array; images: Float32Array; shape: number[] } => {
  const shape = [count, 6, 5, channels]
  const plain = Float32Array.from({ length: count * 30 * channels }, (_, i) => ((i * 53) % 97) / 97)
  const images = plain.slice()
  augment(images, shape, augmentOptions.parse(options), hostKey(5))
  return { plain, images, shape }
}
const pixel = (of: Float32Array, channels: number, i: number, y: number, x: number, c: number): number =>
  y >= 0 && y < 6 && x >= 0 && x < 5 ? of[((i * 6 + y) * 5 + x) * channels + c]! : 0

test.each([1, 3])('crop: each image of %i channels is a window of itself in a border, all windows alike often', (channels) => {
  const { plain, images } = batch(channels, { crop: 1 }, 180)
  const seen = new Array<number>(9).fill(0)
  for (let i = 0; i < 180; i++) {
    const windows = Array.from({ length: 9 }, (_, w) => [Math.floor(w / 3) - 1, (w % 3) - 1] as const)
    const found = windows.findIndex(([top, left]) =>
      Array.from({ length: 30 * channels }).every((_, j) => {
        const [y, x, c] = [Math.floor(j / channels / 5), Math.floor(j / channels) % 5, j % channels]
        return images[i * 30 * channels + j] === pixel(plain, channels, i, y + top, x + left, c)
      }),
    )
    seen[found]!++
  }
  for (const n of seen) expect(n).toBeGreaterThan(8)
})

test('flip: half of the images, mirrored exactly', () => {
  const { plain, images } = batch(3, { flip: true }, 100)
  let flipped = 0
  for (let i = 0; i < 100; i++) {
    const mirrored = pixel(images, 3, i, 0, 0, 0) === pixel(plain, 3, i, 0, 4, 0)
    if (mirrored) flipped++
    for (let x = 0; x < 5; x++) expect(pixel(images, 3, i, 2, x, 1)).toBe(pixel(plain, 3, i, 2, mirrored ? 4 - x : x, 1))
  }
  expect(flipped).toBeGreaterThan(35)
  expect(flipped).toBeLessThan(65)
})

test('solarisation inverts what is bright, in half of the images', () => {
  const { plain, images } = batch(1, { solarise: 0.5 }, 100)
  let solarised = 0
  for (let i = 0; i < 100; i++) {
    const [was, is] = [plain.subarray(30 * i, 30 * i + 30), images.subarray(30 * i, 30 * i + 30)]
    const changed = was.some((v, j) => v !== is[j])
    if (changed) solarised++
    was.forEach((v, j) => expect(is[j]).toBe(changed && v >= 0.5 ? Math.fround(1 - v) : v))
  }
  expect(Math.abs(solarised - 50)).toBeLessThan(16)
})

test('jitter: an affine map of the values about the mean grey, kept in [0, 1]', () => {
  const shape = [40, 4, 4, 1]
  const plain = Float32Array.from({ length: 640 }, (_, i) => 0.4 + 0.2 * (((i * 7) % 16) / 15))
  const images = plain.slice()
  augment(images, shape, augmentOptions.parse({ jitter: 0.3 }), hostKey(1))
  for (let i = 0; i < 40; i++) {
    const [was, is] = [plain.subarray(16 * i, 16 * i + 16), images.subarray(16 * i, 16 * i + 16)]
    const [brightness, mean] = [sum(is) / sum(was), sum(is) / 16]
    const contrast = (is[0]! - mean) / (brightness * was[0]! - mean)
    expect(Math.abs(brightness - 1)).toBeLessThan(0.3)
    expect(Math.abs(contrast - 1)).toBeLessThan(0.3001)
    is.forEach((v, j) => expect(v).toBeCloseTo(mean + contrast * (brightness * was[j]! - mean), 4))
  }
  const { images: wild } = batch(3, { jitter: 1 })
  expect(wild.every((v) => v >= 0 && v <= 1)).toBe(true)
})

test('another kind of change leaves the draws of the first as they are', () => {
  expect(batch(1, { crop: 1, flip: true, jitter: 0.4, probability: 0 }).images).toEqual(batch(1, {}).plain)
  const { images } = batch(1, { shift: 2 })
  expect(batch(1, { shift: 2, solarise: 1 }).images).toEqual(images)
})
