import { hostKey, type Dataset, type Posterior, type Problem, type Value } from 'ockham'
import { expect, test } from 'vitest'
import { memory } from '../datasets/index.js'
import { testRun } from '../training/testing.js'
import { corrupted, corruptedOptions, corruption, corruptionOptions, corruptions, families, usual, type Image } from './index.js'
import { poisson } from './noise.js'
import { plasma } from './weather.js'

const image = (height: number, width: number, channels: number, at: (y: number, x: number, c: number) => number): Image => ({
  height,
  width,
  channels,
  data: Float32Array.from({ length: height * width * channels }, (_, i) =>
    at(Math.floor(i / channels / width), Math.floor(i / channels) % width, i % channels),
  ),
})
const key = hostKey(7)
const flat = (v: number, channels = 3): Image => image(32, 32, channels, () => v)
const of = (name: keyof typeof families, severity: number, from: Image): Float32Array => families[name][severity - 1]!(from, key).data
const moments = (data: ArrayLike<number>): [number, number] => {
  const all = Array.from(data)
  const mean = all.reduce((a, b) => a + b, 0) / all.length
  return [mean, Math.sqrt(all.reduce((s, v) => s + (v - mean) ** 2, 0) / all.length)]
}
const waves = (channels: number): Image =>
  image(16, 16, channels, (y, x, c) => {
    const value = [128 + 100 * Math.sin(x / 3 + y / 7), 128 + 90 * Math.cos(y / 4 - x / 9), 100 + 80 * Math.sin((x + y) / 5)][c]!
    return Math.round(Math.min(255, Math.max(0, value))) / 255
  })

test.each(corruptions)('%s: five severities, functions of image and key', (name) => {
  const from = waves(3)
  const before = from.data.slice()
  for (const change of families[name]) {
    const made = change(from, key)
    expect(made).toMatchObject({ height: 16, width: 16, channels: 3 })
    expect(made.data.every(Number.isFinite)).toBe(true)
    expect(made.data).not.toEqual(before)
    expect(change(from, key).data).toEqual(made.data)
  }
  expect(families[name]).toHaveLength(5)
  expect(from.data).toEqual(before)
  // Grey images of another size too.
  if (name !== 'saturate')
    expect(
      families[name][2]!(
        image(28, 20, 1, (y, x) => (y + x) / 60),
        key,
      ).data,
    ).toHaveLength(560)
})

test('noise has the moments of its kind', () => {
  const [mean, std] = moments(of('gaussian-noise', 3, flat(0.5)))
  expect(mean).toBeCloseTo(0.5, 2)
  expect(std).toBeCloseTo(0.08, 2)
  expect(moments(of('speckle-noise', 5, flat(0.4)))[1]).toBeCloseTo(0.2 * 0.4, 2)
  // Counts of mean 50 · 0.3: their variance is their mean.
  const [level, spread] = moments(of('shot-noise', 5, flat(0.3)))
  expect(level).toBeCloseTo(0.3, 2)
  expect(spread).toBeCloseTo(Math.sqrt(0.3 / 50), 2)
  const salted = Array.from(of('impulse-noise', 5, flat(0.5)))
  for (const v of [0, 1]) expect(Math.abs(salted.filter((u) => u === v).length / salted.length - 0.035)).toBeLessThan(0.012)
})

test('Poisson numbers: each takes up its probability', () => {
  for (const mean of [0.3, 4.7, 60]) {
    const steps = 20_000
    const counts = new Map<number, number>()
    for (let i = 0; i < steps; i++) {
      const k = poisson(mean, (i + 0.5) / steps)
      counts.set(k, (counts.get(k) ?? 0) + 1 / steps)
    }
    let p = Math.exp(-mean)
    for (let k = 0; k < 2 * mean + 5; k++, p *= mean / k) expect(Math.abs((counts.get(k) ?? 0) - p)).toBeLessThan(2 / steps)
  }
  expect(poisson(0, 0.5)).toBe(0)
})

test('blurs keep a constant image, and spread a point', () => {
  for (const name of ['defocus-blur', 'glass-blur', 'motion-blur', 'zoom-blur', 'gaussian-blur', 'elastic', 'pixelate'] as const)
    for (const v of of(name, 5, flat(0.6))) expect(v).toBeCloseTo(0.6, 2)
  const point = image(33, 33, 1, (y, x) => (y === 16 && x === 16 ? 1 : 0))
  const spread = of('defocus-blur', 5, point)
  expect(spread.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
  // A disc of radius 1.5 holds nine pixels, alike but for their soft border.
  for (const i of [16 * 33 + 16, 16 * 33 + 17, 15 * 33 + 16]) expect(spread[i]).toBeCloseTo(1 / 9, 2)
  // A Gaussian of one pixel.
  const blurred = of('gaussian-blur', 5, point)
  expect(blurred[16 * 33 + 17]! / blurred[16 * 33 + 16]!).toBeCloseTo(Math.exp(-0.5), 3)
  // A ramp through the middle zooms to a flatter ramp: the mean of 1 and 1/z.
  const ramp = image(33, 33, 1, (_, x) => (x - 16) / 32)
  const slopes = [1, ...Array.from({ length: 6 }, (_, k) => 1 / (1 + 0.01 * k))]
  expect(32 * (of('zoom-blur', 1, ramp)[16 * 33 + 20]! - of('zoom-blur', 1, ramp)[16 * 33 + 19]!)).toBeCloseTo(
    slopes.reduce((a, b) => a + b) / 7,
    5,
  )
})

test('brightness, contrast and saturation by their formulas', () => {
  const from = image(1, 2, 3, (_, x, c) => [0.2, 0.4, 0.1, 0, 0, 0][3 * x + c]!)
  // Value 0.4 becomes 0.5, the ratios stay; black becomes grey.
  expect(Array.from(of('brightness', 2, from), (v) => Number(v.toFixed(4)))).toEqual([0.25, 0.5, 0.125, 0.1, 0.1, 0.1])
  // Means 0.1, 0.2, 0.05; factor a half.
  expect(Array.from(of('contrast', 2, from), (v) => Number(v.toFixed(4)))).toEqual([0.15, 0.3, 0.075, 0.05, 0.1, 0.025])
  // Saturation 0.75 becomes 0.225: the least channel is 0.4 (1 − 0.225).
  const [, value, least] = of('saturate', 1, from)
  expect([value, least]).toEqual([expect.closeTo(0.4, 5), expect.closeTo(0.31, 5)])
})

test('fog keeps the brightest value; its landscape fills [0, 1] and goes round', () => {
  const { side, heights } = plasma(20, 2, key)
  expect([side, Math.min(...heights), Math.max(...heights)]).toEqual([32, 0, 1])
  const fogged = of('fog', 3, waves(3))
  expect(Math.max(...fogged)).toBeLessThanOrEqual(Math.max(...waves(3).data) + 1e-6)
  // Rougher landscapes differ more between neighbours.
  const rough = (decay: number): number => moments(plasma(64, decay, key).heights.map((h, i, all) => h - all[(i + 1) % all.length]!))[1]
  expect(rough(1.2)).toBeGreaterThan(2 * rough(3))
})

// Every fifth pixel of every fifth row as Pillow writes and reads it.
test.each([
  [
    1,
    [
      141, 209, 108, 220, 208, 166, 90, 179, 159, 26, 128, 91, 200, 158, 168, 199, 196, 177, 55, 214, 114, 56, 217, 62, 226, 60, 158, 128,
      95, 106, 34, 139, 38, 135, 189, 39, 209, 51, 125, 74, 34, 43, 41, 55, 19, 182, 99, 55,
    ],
  ],
  [
    4,
    [
      160, 201, 97, 206, 215, 160, 97, 184, 150, 22, 135, 107, 200, 154, 165, 200, 198, 183, 67, 210, 104, 52, 216, 67, 212, 63, 153, 127,
      98, 116, 35, 147, 39, 128, 186, 39, 221, 47, 108, 82, 29, 45, 40, 57, 21, 205, 88, 70,
    ],
  ],
] as const)('JPEG as Pillow at severity %i', (severity, wanted) => {
  const made = of('jpeg', severity, waves(3))
  const found = [0, 5, 10, 15].flatMap((y) =>
    [0, 5, 10, 15].flatMap((x) => [0, 1, 2].map((c) => Math.round(255 * made[(y * 16 + x) * 3 + c]!))),
  )
  for (const [i, v] of wanted.entries()) expect(Math.abs(found[i]! - v)).toBeLessThanOrEqual(3)
  expect(found.reduce((s, v, i) => s + Math.abs(v - wanted[i]!), 0) / found.length).toBeLessThan(0.8)
})

test('JPEG of grey images as Pillow', () => {
  const made = of('jpeg', 4, waves(1))
  const found = [0, 5, 10, 15].flatMap((y) => [0, 5, 10, 15].map((x) => Math.round(255 * made[y * 16 + x]!)))
  for (const [i, v] of [128, 231, 107, 38, 194, 198, 49, 71, 229, 132, 29, 145, 207, 67, 51, 209].entries())
    expect(Math.abs(found[i]! - v)).toBeLessThanOrEqual(3)
})

const pixels = Uint8Array.from(hostKey(3).integers([20 * 8 * 8 * 3], 256).data)
const split = (from: number, rows: number) => ({
  x: { shape: [8, 8, 3], dtype: 'float32' as const, data: pixels.slice(from * 192, (from + rows) * 192) },
  y: { shape: [], dtype: 'int32' as const, data: Int32Array.from({ length: rows }, (_, i) => i % 2) },
})
const pictures = (scaled = true): Dataset =>
  memory({
    task: 'classification',
    classes: ['a', 'b'],
    licence: 'none',
    splits: { train: split(0, 8), test: split(8, 12) },
    scaling: scaled ? { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] } : undefined,
  })
const rows = (...at: number[]): Value => ({ shape: [at.length], dtype: 'int32', data: Int32Array.from(at) })
const made = (options: object, inner = pictures()): Dataset =>
  corrupted(corruptedOptions.parse({ of: inner, corruption: 'gaussian-noise', ...options }) as Parameters<typeof corrupted>[0])

test('a corrupted dataset: images of a split alone, alike however they are read, under the scaling', async () => {
  const dataset = made({ severity: 3 })
  expect(dataset.meta.digest).not.toBe(pictures().meta.digest)
  expect(made({ severity: 3 }).meta.digest).toBe(dataset.meta.digest)
  expect(made({ severity: 4 }).meta.digest).not.toBe(dataset.meta.digest)
  expect(await dataset.read('train', rows(1, 2))).toEqual(await pictures().read('train', rows(1, 2)))
  const both = (await dataset.read('test', rows(4, 2)))['x']!
  expect((await dataset.read('test', rows(2)))['x']!.data).toEqual(both.data.slice(192))
  const raw = (await dataset.rescaled!(undefined).read('test', rows(4, 2)))['x']!.data
  expect(raw.every((v) => v >= 0 && v <= 1 && Math.abs(255 * v - Math.round(255 * v)) < 1e-4)).toBe(true)
  expect(Array.from(both.data.slice(0, 6))).toEqual(
    Array.from(raw.slice(0, 6), (v, i) => expect.closeTo((v - [0.5, 0.4, 0.3][i % 3]!) / [0.2, 0.3, 0.4][i % 3]!, 4)),
  )
  const plain = (await pictures(false).read('test', rows(4)))['x']!.data
  expect(moments(plain.map((v, i) => v - raw[i]!))[1]).toBeCloseTo(0.075, 1)
})

test('what is no image is refused', () => {
  const inner = { ...pictures(), meta: { ...pictures().meta, shapes: { x: { shape: [3], dtype: 'float32' as const } } } }
  expect(() => made({}, inner)).toThrow('OCK-CORRUPT-001')
  const { rescaled: _, ...stiff } = pictures()
  expect(() => made({}, stiff)).toThrow('OCK-CORRUPT-002')
  expect(() => made({ splits: ['none'] })).toThrow('OCK-DATA-001')
  const grey = { ...pictures(), meta: { ...pictures().meta, shapes: { x: { shape: [8, 8, 1], dtype: 'float32' as const } } } }
  expect(() => made({ corruption: 'saturate' }, grey)).toThrow('OCK-CORRUPT-003')
})

test('the evaluation: means over corruptions and severities, and at each severity', async () => {
  const dataset = pictures()
  // Says `a` with 0.9 where the first value is below that of the clean image, else with 0.6.
  const posterior = {
    predict: ({ x }: { x: Value }) =>
      Promise.resolve({
        kind: 'categorical',
        probabilities: {
          shape: [x.shape[0]!, 2],
          dtype: 'float32',
          data: Float32Array.from({ length: 2 * x.shape[0]! }, (_, i) =>
            i % 2 === 0 ? (x.data[(i >> 1) * 192]! < 0 ? 0.9 : 0.6) : x.data[(i >> 1) * 192]! < 0 ? 0.1 : 0.4,
          ),
        },
      }),
  } as unknown as Posterior
  const evaluation = corruption(
    corruptionOptions.parse({ corruptions: ['contrast', 'jpeg'], severities: [1, 5], size: 10 }) as Parameters<typeof corruption>[0],
    { dataset },
  )
  const { values, tables, figures } = await evaluation.evaluate(posterior, { dataset } as Problem, testRun({} as never).run)
  const table = tables!['test-c/corruptions']!
  expect(table.map(({ corruption: name, severity }) => [name, severity])).toEqual([
    ['contrast', 1],
    ['contrast', 5],
    ['jpeg', 1],
    ['jpeg', 5],
  ])
  // Half of the labels are a, and that is what is always said.
  expect(values['test-c/accuracy']).toBe(0.5)
  expect(values['test-c/nll@5']).toBeCloseTo((Number(table[1]!['nll']) + Number(table[3]!['nll'])) / 2, 12)
  expect(values['test-c/nll']).toBeCloseTo((values['test-c/nll@1']! + values['test-c/nll@5']!) / 2, 12)
  for (const name of ['ece', 'brier', 'selective@1']) expect(values[`test-c/${name}`]).toBeGreaterThan(0)
  expect(Object.keys(figures!)).toEqual(['test-c/accuracy'])
  expect(usual).toHaveLength(15)
})
