import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Dataset, Posterior, Problem, Run } from 'ockham'
import { expect, test } from 'vitest'
import { calibration, calibrationOptions } from '../evaluation/index.js'
import { all, faults, folder, put, shared } from './testing/files.js'
import { uciRegression, uciRegressionOptions } from './uci-regression.js'

const make = (options: object): Promise<Dataset> => uciRegression(uciRegressionOptions.parse(options))

/** Ten rows: two features, one column that is neither, the target 100 + 10 row; folds 0 and 1. */
function tiny(): string {
  const root = folder()
  const rows = Array.from({ length: 10 }, (_, i) => ` ${i}.0\t${i * i}  7e0 ${100 + 10 * i} `)
  put(root, 'data.txt', `${rows.join('\n')}\n\n`)
  put(root, 'index_features.txt', '0\n1\n')
  put(root, 'index_target.txt', '3\n')
  put(root, 'index_train_0.txt', '7.000e+00\n0\n1\n2\n3\n4\n5\n6\n')
  put(root, 'index_test_0.txt', '9\n8\n')
  put(root, 'index_train_1.txt.gz', '0\n2\n4\n6\n8\n')
  put(root, 'index_test_1.txt', '1\n3\n5\n7\n9\n')
  return root
}

test('rows of the fold, standardised by its training rows', async () => {
  const dataset = await make({ root: tiny() })
  expect(dataset.meta).toMatchObject({ task: 'regression', splits: { train: 8, test: 2 } })
  expect(dataset.meta.shapes).toMatchObject({ x: { shape: [2], dtype: 'float32' }, y: { shape: [1], dtype: 'float32' } })
  expect(dataset.scaling!.mean).toEqual([3.5, 17.5])
  expect(dataset.target!.mean).toEqual([135])
  expect(dataset.target!.std[0]).toBeCloseTo(10 * Math.sqrt(63 / 12), 12)
  const { x, y } = await all(dataset, 'test')
  expect(x!.data[0]).toBeCloseTo((9 - 3.5) / Math.sqrt(63 / 12), 6)
  expect(y!.data[1]).toBeCloseTo((180 - 135) / dataset.target!.std[0]!, 6)
  const other = await make({ root: tiny(), fold: 1, scaling: false })
  expect(Array.from((await all(other, 'train'))['y']!.data)).toEqual([100, 120, 140, 160, 180])
})

test('validation rows come from the training rows, by the seed', async () => {
  const root = tiny()
  const dataset = await make({ root, validation: 0.25, scaling: false })
  expect(dataset.meta.splits).toEqual({ train: 6, validation: 2, test: 2 })
  const y = async (split: string, of = dataset): Promise<number[]> => Array.from((await all(of, split))['y']!.data)
  expect([...(await y('train')), ...(await y('validation'))].sort()).toEqual([100, 110, 120, 130, 140, 150, 160, 170])
  const other = await make({ root, validation: 2, splitSeed: 3, scaling: false })
  expect(await y('validation', other)).not.toEqual(await y('validation'))
  // The scaling is that of the rows that are left.
  const scaled = await make({ root, validation: 2 })
  expect(scaled.target!.mean[0]).toBeCloseTo((await y('train')).reduce((a, b) => a + b) / 6, 9)
})

test('metrics are in the units of the target', async () => {
  const dataset = await make({ root: tiny() })
  const at = (shape: number[], v: number) => ({ shape, dtype: 'float32' as const, data: new Float32Array(shape[0]!).fill(v) })
  // The training mean, with the training variance: 0 and 1 in scaled units.
  const posterior = {
    predict: ({ x }) => Promise.resolve({ kind: 'normal', mean: at([x!.shape[0]!, 1], 0), variance: at([x!.shape[0]!, 1], 1) }),
  } as Pick<Posterior, 'predict'> as Posterior
  const { values } = await calibration(calibrationOptions.parse({}), { dataset }).evaluate(posterior, { dataset } as Problem, {} as Run)
  const variance = (100 * 63) / 12
  expect(values['test/rmse']).toBeCloseTo(Math.sqrt((55 ** 2 + 45 ** 2) / 2), 4)
  expect(values['test/nll']).toBeCloseTo(0.5 * Math.log(2 * Math.PI * variance) + (55 ** 2 + 45 ** 2) / 4 / variance, 5)
})

test('a set is named below its folder; what is wrong is said with file and line', async () => {
  const root = folder()
  mkdirSync(join(root, 'small'))
  put(join(root, 'small'), 'data.txt', '1 2\n3 x\n4\n')
  expect(await faults(() => make({ root }))).toMatchObject([{ code: 'OCK-DATA-016', remedy: expect.stringContaining('small') as string }])
  expect(await faults(() => make({ root: join(root, 'none') }))).toMatchObject([{ code: 'OCK-DATA-016' }])
  expect(await faults(() => make({ root, name: 'small' }))).toMatchObject([{ code: 'OCK-DATA-060' }])
  put(join(root, 'small'), 'index_train_0.txt', '0 1')
  put(join(root, 'small'), 'index_features.txt', '0')
  put(join(root, 'small'), 'index_target.txt', '5')
  const found = await faults(() => make({ root, name: 'small' }))
  expect(found.map((f) => f.code)).toEqual(['OCK-DATA-061', 'OCK-DATA-061', 'OCK-DATA-010'])
  expect(found[0]!.where).toContain('line 2, column 1')
  put(join(root, 'small'), 'data.txt', '1 2\n3 4\n')
  put(join(root, 'small'), 'index_test_0.txt', '2')
  expect((await faults(() => make({ root, name: 'small' }))).map((f) => f.code)).toEqual(['OCK-DATA-062', 'OCK-DATA-062'])
  expect(await faults(() => make({ root: tiny(), fold: 2 }))).toMatchObject([
    { code: 'OCK-DATA-060', remedy: expect.stringContaining('0 to 1') as string },
  ])
})

const uci = shared('uci')
test.skipIf(uci === undefined)('the sets as they come', async () => {
  const sizes = {
    bostonHousing: [13, 455, 51],
    'naval-propulsion-plant': [16, 10741, 1193],
    'protein-tertiary-structure': [9, 41157, 4573],
  }
  for (const [name, [features, train, test]] of Object.entries(sizes)) {
    const { meta } = await make({ root: uci, name, fold: 4 })
    expect([meta.shapes['x']!.shape[0], meta.splits['train'], meta.splits['test']]).toEqual([features, train, test])
  }
})
