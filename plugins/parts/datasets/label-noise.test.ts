import type { Dataset, Value } from 'ockham'
import { expect, test } from 'vitest'
import { arrays, arraysOptions } from './arrays.js'
import { labelNoise, labelNoiseOptions } from './label-noise.js'
import { all, faults, rows } from './testing/files.js'

const n = 3000
const clean = Int32Array.from({ length: n }, (_, i) => (i * 7) % 5)
const split = (count: number): Record<string, Value> => ({
  x: { shape: [count, 1], dtype: 'float32', data: Float32Array.from({ length: count }, (_, i) => i) },
  y: { shape: [count], dtype: 'int32', data: clean.slice(0, count) },
})
const base = (): Dataset => arrays(arraysOptions.parse({ splits: { train: split(n), test: split(40) }, scaling: true }))
const make = (options: object, of = base()): Promise<Dataset> =>
  labelNoise(labelNoiseOptions.parse({ of, ...options }) as Parameters<typeof labelNoise>[0])

const different = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).filter((v, i) => v !== b[i]).length / a.length

test('a label is drawn anew with the given probability, among all classes or the others', async () => {
  for (const [redraw, wanted] of [
    [true, 0.4 * 0.8],
    [false, 0.4],
  ] as const) {
    const dataset = await make({ rate: 0.4, redraw })
    const { y, x } = await all(dataset, 'train')
    // Four standard errors of 3,000 draws.
    expect(Math.abs(different(y!.data, clean) - wanted)).toBeLessThan(4 * Math.sqrt((wanted * (1 - wanted)) / n))
    expect(x).toEqual((await all(base(), 'train'))['x'])
    // Every other class is as likely.
    const shifts = [0, 0, 0, 0, 0]
    y!.data.forEach((label, i) => shifts[(label - clean[i]! + 5) % 5]!++)
    for (const count of shifts.slice(1)) expect(Math.abs(count / n - wanted / 4)).toBeLessThan(0.025)
    expect(dataset.meta.counts!['train']!.class).toEqual([0, 1, 2, 3, 4].map((c) => y!.data.filter((label) => label === c).length))
  }
})

test('the right labels stay beside; other splits, and how rows are read, change nothing', async () => {
  const dataset = await make({ rate: 0.5, seed: 3 })
  expect(dataset.meta.splits).toEqual({ train: n, test: 40, 'train-clean': n })
  expect((await all(dataset, 'train-clean'))['y']!.data).toEqual(clean)
  expect(dataset.meta.counts!['train-clean']!.class).toEqual([600, 600, 600, 600, 600])
  expect(await all(dataset, 'test')).toEqual(await all(base(), 'test'))
  const whole = (await all(dataset, 'train'))['y']!.data
  expect(Array.from((await dataset.read('train', rows(9, 2, 9)))['y']!.data)).toEqual([whole[9], whole[2], whole[9]])
  expect((await all(dataset.rescaled!(undefined), 'train'))['y']!.data).toEqual(whole)
  const other = await make({ rate: 0.5, seed: 4 })
  expect(other.meta.digest).not.toBe(dataset.meta.digest)
  expect(different((await all(other, 'train'))['y']!.data, whole)).toBeGreaterThan(0.4)
  expect((await all(await make({ rate: 0 }), 'train'))['y']!.data).toEqual(clean)
})

test('unknown splits and data without classes', async () => {
  expect(await faults(() => make({ rate: 0.1, splits: ['pool'] }))).toMatchObject([{ code: 'OCK-DATA-001' }])
  const { y: _, ...bare } = split(4)
  const unlabelled = arrays(arraysOptions.parse({ splits: { train: bare } }))
  expect(await faults(() => make({ rate: 0.1 }, unlabelled))).toMatchObject([{ code: 'OCK-DATA-051' }])
})
