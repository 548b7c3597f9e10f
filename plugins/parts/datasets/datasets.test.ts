import { expect, test } from 'vitest'
import type { Dataset, Value } from 'ockham'
import { arrays, arraysOptions } from './arrays.js'
import { auxiliary } from './auxiliary.js'
import { limited, quotas, subset, subsetOptions } from './limited.js'
import { all, faults, rows } from './testing/files.js'
import { twoMoons, twoMoonsOptions } from './two-moons.js'

const value = (data: number[], shape: number[], dtype: 'float32' | 'int32' = 'float32'): Value => ({
  shape,
  dtype,
  data: dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data),
})
const make = (options: object): Dataset => arrays(arraysOptions.parse(options))
const moons = (options: object = {}): Dataset => twoMoons(twoMoonsOptions.parse(options))

/** Rows whose x is the row number and whose class is rare for 2. */
const labelled = (n: number, options: object = {}): Dataset => {
  const split = {
    x: value(
      Array.from({ length: n }, (_, i) => i),
      [n, 1],
    ),
    y: value(
      Array.from({ length: n }, (_, i) => (i % 10 === 9 ? 2 : i % 2)),
      [n],
      'int32',
    ),
  }
  return make({ splits: { train: split, test: split }, ...options })
}

test('arrays: tasks, classes and scaling', async () => {
  const dataset = labelled(20, { scaling: true })
  expect(dataset.meta).toMatchObject({ task: 'classification', classes: ['0', '1', '2'], splits: { train: 20, test: 20 } })
  expect(dataset.scaling!.mean).toEqual([9.5])
  const x = value([1, 2, 3, 4], [2, 2])
  expect(make({ splits: { train: { x, y: value([5, 7], [2, 1]) } }, target: true }).target).toEqual({ mean: [6], std: [1] })
  expect(make({ splits: { pool: { x } } }).meta.task).toBe('unlabelled')
  expect((await all(make({ splits: { pool: { 'x.a': x, 'x.b': x } } }), 'pool'))['x.b']!.data).toEqual(x.data)
})

test('arrays: everything that does not fit', async () => {
  const x = value([1, 2, 3, 4], [2, 2])
  const found = await faults(() =>
    make({
      classes: ['p', 'q'],
      splits: { train: { x, y: value([0, 2], [2], 'int32') }, test: { x: value([1, 2], [1, 3]), y: value([0, 1], [2], 'int32') } },
    }),
  )
  expect(found.map((f) => [f.code, f.where])).toEqual([
    ['OCK-DATA-031', 'splits.train.y'],
    ['OCK-DATA-030', 'splits.test.x'],
    ['OCK-DATA-030', 'splits.test.x'],
    ['OCK-DATA-030', 'splits.test.y'],
  ])
  expect(arraysOptions.safeParse({ splits: { train: { x: [1, 2] } } }).success).toBe(false)
})

test('the digest is of the content', () => {
  expect(labelled(20).meta.digest).toBe(labelled(20, { scaling: true }).meta.digest)
  expect(labelled(20).meta.digest).not.toBe(labelled(21).meta.digest)
  expect(labelled(20).meta.digest).toMatch(/^[0-9a-f]{64}$/)
})

test('two moons without noise lie on their circles, at even angles', async () => {
  const { x, y } = await all(moons({ noise: 0, n: 101 }), 'train')
  expect(Array.from(y!.data).filter((label) => label === 0)).toHaveLength(51)
  for (let i = 0; i < 101; i++) {
    const [u, v] = [x!.data[2 * i]!, x!.data[2 * i + 1]!]
    const [cx, cy, side] = y!.data[i] === 0 ? [0, 0, 1] : [1, 0.5, -1]
    expect(Math.hypot(u - cx, v - cy)).toBeCloseTo(1, 5)
    expect(side * (v - cy)).toBeGreaterThan(-1e-6)
  }
  expect(x!.data[0]).toBeCloseTo(1, 6)
})

test('two moons: noise of that size, a grid around the training points, a ring', async () => {
  const dataset = moons()
  expect(dataset.scaling).toBeUndefined()
  expect(dataset.meta.splits).toEqual({ train: 200, test: 2000, grid: 10000, ring: 2000 })
  const [train, grid, ring] = [await all(dataset, 'train'), await all(dataset, 'grid'), await all(dataset, 'ring')]
  expect(grid['y']).toBeUndefined()
  const u = (of: typeof grid): number[] => Array.from(of['x']!.data).filter((_, i) => i % 2 === 0)
  expect(Math.min(...u(grid))).toBeCloseTo(Math.min(...u(train)) - 5, 5)
  expect(Math.max(...u(grid))).toBeCloseTo(Math.max(...u(train)) + 5, 5)
  expect(new Set(u(grid)).size).toBe(100)
  for (let i = 0; i < 4000; i += 2) expect(Math.hypot(ring['x']!.data[i]! - 0.5, ring['x']!.data[i + 1]! - 0.25)).toBeCloseTo(5, 4)
  const noisy = await all(dataset, 'test')
  const exact = await all(moons({ noise: 0 }), 'test')
  const errors = Array.from(noisy['x']!.data, (v, i) => v - exact['x']!.data[i]!)
  expect(Math.sqrt(errors.reduce((s, e) => s + e * e, 0) / errors.length)).toBeCloseTo(0.2, 2)
  expect(moons({ seed: 1 }).meta.digest).not.toBe(dataset.meta.digest)
  expect(moons().meta.digest).toBe(dataset.meta.digest)
})

test('two moons: validation points where they are asked for, other than those of the other splits, which stay', async () => {
  const dataset = moons({ validation: 2000 })
  expect(dataset.meta.splits).toEqual({ train: 200, validation: 2000, test: 2000, grid: 10000, ring: 2000 })
  const [validation, fresh] = [await all(dataset, 'validation'), await all(dataset, 'test')]
  expect(fresh).toEqual(await all(moons(), 'test'))
  expect(validation['y']).toEqual(fresh['y'])
  // Independent noise on the same points of the circles: a difference of variance 2 · 0.2².
  const apart = Array.from(validation['x']!.data, (v, i) => v - fresh['x']!.data[i]!)
  expect(Math.sqrt(apart.reduce((s, e) => s + e * e, 0) / apart.length)).toBeCloseTo(0.2 * Math.SQRT2, 2)
})

test('an auxiliary dataset takes the training set’s scaling, and is found at once the next time', async () => {
  const training = labelled(20, { scaling: true })
  const own = make({ splits: { pool: { x: value([100, 300], [2, 1]) } }, scaling: true })
  const { dataset, split } = auxiliary(own, training, 'context')
  expect(split).toBe('pool')
  expect(dataset.scaling).toEqual(training.scaling)
  const { x } = await dataset.read('pool', rows(0))
  expect(x!.data[0]).toBeCloseTo((100 - 9.5) / training.scaling!.std[0]!, 4)
  expect(auxiliary(own, training, 'context')).toBe(auxiliary(own, training, 'context'))
  expect(auxiliary(own, labelled(20), 'context').dataset.scaling).toBeUndefined()
})

test('the split of an auxiliary dataset: named, the only one, or the usual one', async () => {
  const training = moons()
  expect(auxiliary(moons({ split: 'grid' }), training, 'context').split).toBe('grid')
  expect(auxiliary(moons(), training, 'context').split).toBe('train')
  expect(auxiliary(moons(), training, 'against').split).toBe('test')
  const x = value([0, 0], [1, 2])
  const [fault] = await faults(() => auxiliary(make({ splits: { left: { x }, right: { x } } }), training, 'against'))
  expect(fault!.code).toBe('OCK-DATA-040')
  expect(fault!.remedy).toContain('left, right')
})

test('an auxiliary dataset of another shape, or one that cannot be rescaled', async () => {
  const [shape] = await faults(() => auxiliary(labelled(20), moons(), 'context'))
  expect(shape!.code).toBe('OCK-DATA-041')
  expect(shape!.what).toContain('x float32 [1], and one of the training set is x float32 [2]')
  const { rescaled: _, ...fixed } = labelled(20)
  expect((await faults(() => auxiliary(fixed, labelled(20, { scaling: true }), 'context')))[0]!.code).toBe('OCK-DATA-042')
  expect(auxiliary(fixed, labelled(20), 'context').dataset).toBe(fixed)
})

test('quotas: balanced as far as each class goes', () => {
  expect(quotas([100, 100, 5], 30)).toEqual([13, 12, 5])
  expect(quotas([3, 3], 100)).toEqual([3, 3])
  expect(quotas([10, 10, 10], 2)).toEqual([1, 1, 0])
})

test('limited: balanced, the counts as announced, the same every time', async () => {
  const whole = labelled(2000)
  const dataset = limited(whole, 31)
  expect(dataset.meta.splits).toEqual({ train: 31, test: 31 })
  const { x, y } = await all(dataset, 'train')
  const counts = [0, 1, 2].map((c) => Array.from(y!.data).filter((label) => label === c).length)
  expect(counts).toEqual(dataset.meta.counts!['train']!.class)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  expect(new Set(x!.data).size).toBe(31)
  expect((await all(limited(whole, 31), 'train'))['x']!.data).toEqual(x!.data)
  expect(dataset.meta.digest).not.toBe(whole.meta.digest)
  await expect(async () => dataset.read('train', rows(31))).rejects.toThrow('OCK-DATA-002')
})

test('limited: more than there is, unlabelled splits, rescaling', async () => {
  const dataset = limited(moons(), 300)
  expect(dataset.meta.splits).toEqual({ train: 200, test: 300, grid: 300, ring: 300 })
  expect((await all(dataset, 'grid'))['x']!.shape).toEqual([300, 2])
  const scaled = limited(labelled(50, { scaling: true }), 10)
  const raw = await all(scaled.rescaled!(undefined), 'train')
  expect(raw['x']!.data.every(Number.isInteger)).toBe(true)
  expect(scaled.scaling).toEqual(labelled(50, { scaling: true }).scaling)
})

test('subset: a fraction of train alone, by the seed', async () => {
  const of = labelled(100)
  const take = (options: object): Dataset => subset({ ...subsetOptions.parse({ of, ...options }), of })
  expect(take({ fraction: 0.25 }).meta.splits).toEqual({ train: 25, test: 100 })
  expect(take({ size: 10, splits: ['test'] }).meta.splits).toEqual({ train: 100, test: 10 })
  const read = async (seed: number): Promise<Value> => (await all(take({ size: 10, seed }), 'train'))['x']!
  expect(await read(0)).toEqual(await read(0))
  expect(await read(0)).not.toEqual(await read(1))
  expect((await faults(() => take({ size: 101 })))[0]!.code).toBe('OCK-DATA-050')
  expect((await faults(() => take({ size: 1, splits: ['none'] })))[0]!.code).toBe('OCK-DATA-001')
  expect(subsetOptions.safeParse({ of }).success).toBe(false)
})
