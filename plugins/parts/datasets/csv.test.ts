import { expect, test } from 'vitest'
import { csv, csvOptions } from './csv.js'
import { all, faults, folder, put, rows, shared } from './testing/files.js'

const load = (text: string, options: object = {}, name = 'table.csv'): ReturnType<typeof csv> =>
  csv(csvOptions.parse({ file: put(folder(), name, text), ...options }))

const table = (n: number, label: (i: number) => string): string =>
  ['a,b,label', ...Array.from({ length: n }, (_, i) => `${i},${100 + 3 * i},${label(i)}`)].join('\n')

test('text labels are classes; splits are disjoint and complete', async () => {
  const dataset = await load(
    table(10, (i) => (i % 2 ? 'yes' : 'no')),
    { test: 0.3, validation: 0.2, scaling: false },
  )
  expect(dataset.meta).toMatchObject({ task: 'classification', classes: ['no', 'yes'], splits: { train: 5, test: 3, validation: 2 } })
  const parts = await Promise.all(['train', 'test', 'validation'].map((split) => all(dataset, split)))
  const seen = parts.flatMap(({ x, y }) => Array.from(y!.data, (label, r) => [x!.data[2 * r]!, x!.data[2 * r + 1]!, label]))
  expect(seen.sort((p, q) => p[0]! - q[0]!)).toEqual(Array.from({ length: 10 }, (_, i) => [i, 100 + 3 * i, i % 2]))
})

test('the seed decides the split', async () => {
  const text = table(40, (i) => (i % 2 ? 'yes' : 'no'))
  const test = async (splitSeed: number): Promise<number[]> =>
    Array.from((await all(await load(text, { splitSeed, scaling: false }), 'test'))['x']!.data)
  expect(await test(0)).toEqual(await test(0))
  expect(await test(0)).not.toEqual(await test(1))
})

test('features and targets are standardised by the training rows, and kept', async () => {
  const dataset = await load(table(20, (i) => String(1e6 + i / 7)))
  expect(dataset.meta).toMatchObject({ task: 'regression', shapes: { x: { shape: [2] }, y: { shape: [1], dtype: 'float32' } } })
  const { x, y } = await all(dataset, 'train')
  for (const [data, width] of [
    [x!.data, 2],
    [y!.data, 1],
  ] as const)
    for (let j = 0; j < width; j++) {
      const column = Array.from(data).filter((_, i) => i % width === j)
      expect(column.reduce((a, b) => a + b, 0) / column.length).toBeCloseTo(0, 5)
      expect(column.reduce((a, b) => a + b * b, 0) / column.length).toBeCloseTo(1, 5)
    }
  const [feature, target] = [
    x!.data[0]! * dataset.scaling!.std[0]! + dataset.scaling!.mean[0]!,
    y!.data[0]! * dataset.target!.std[0]! + dataset.target!.mean[0]!,
  ]
  expect(target).toBeCloseTo(1e6 + feature / 7, 4)
})

test('whole numbers: few are classes in their order, many are targets, and task decides', async () => {
  expect((await load(table(30, (i) => String(2 + (i % 10))))).meta.classes).toEqual(['2', '3', '4', '5', '6', '7', '8', '9', '10', '11'])
  expect((await load(table(30, String))).meta.task).toBe('regression')
  expect(
    (
      await load(
        table(30, (i) => String(i % 3)),
        { task: 'regression' },
      )
    ).meta.task,
  ).toBe('regression')
})

test('a constant feature, text columns, groups, gzip, quotes and line breaks inside cells', async () => {
  const lines = Array.from({ length: 8 }, (_, i) => `7,"word\n${i}",${i},${i % 2 ? 'p' : 'q'},g${i % 3}`)
  const dataset = await load(['flat,note,a,label,site', ...lines].join('\n'), { group: 'site' }, 'table.csv.gz')
  expect(dataset.meta.shapes['x']!.shape).toEqual([2])
  expect(dataset.meta.groups).toEqual(['g0', 'g1', 'g2'])
  const { x } = await all(dataset, 'train')
  expect(Array.from(x!.data).every(Number.isFinite)).toBe(true)
  expect(x!.data[0]).toBe(0)
})

test('every bad cell at once, by row and column', async () => {
  const text = 'a,b,label\n1,2,yes\nNaN,3,no\n4,,no\n5,6,yes\n7,1e999,\n8,9,no'
  const found = await faults(() => load(text))
  expect(found.map((f) => [f.code, f.where!.split(', ').slice(1).join(', ')])).toEqual([
    ['OCK-DATA-024', 'row 2 (line 3), column a'],
    ['OCK-DATA-024', 'row 3 (line 4), column b'],
    ['OCK-DATA-024', 'row 5 (line 6), column b'],
    ['OCK-DATA-025', 'row 5 (line 6), column label'],
  ])
  expect(found[0]!.what).toBe("'NaN' is not a number")
})

test('many bad cells are counted after the first twenty', async () => {
  const text = ['a,b,label', ...Array.from({ length: 60 }, (_, i) => `${i},${i < 25 ? '?' : i},${i % 2 ? 'y' : 'n'}`)].join('\n')
  const found = await faults(() => load(text))
  expect(found).toHaveLength(21)
  expect(found[20]!.what).toContain('5 more')
})

test('a column of gaps with some numbers is not left out in silence', async () => {
  const text = [
    'a,b,label',
    ...Array.from({ length: 6 }, (_, i) => `${i},${['', 'NaN', 'nan', '', '4', '5'][i]},${i % 2 ? 'y' : 'n'}`),
  ].join('\n')
  const found = await faults(() => load(text))
  expect(found.map((f) => [f.code, f.where!.split(', ').slice(1).join(', ')])).toEqual([
    ['OCK-DATA-024', 'row 1 (line 2), column b'],
    ['OCK-DATA-024', 'row 2 (line 3), column b'],
    ['OCK-DATA-024', 'row 3 (line 4), column b'],
    ['OCK-DATA-024', 'row 4 (line 5), column b'],
  ])
  expect((await load(text, { features: ['a'] })).meta.shapes['x']!.shape).toEqual([1])
})

test('a column of gaps alone is an error, a column of words alone is not', async () => {
  const text = ['a,b,note,label', ...Array.from({ length: 6 }, (_, i) => `${i},,word${i},${i % 2 ? 'y' : 'n'}`)].join('\n')
  const found = await faults(() => load(text))
  expect(found).toHaveLength(6)
  expect(found.every((f) => f.where!.endsWith('column b'))).toBe(true)
})

test('numbers beyond float32 are refused, features and targets', async () => {
  const found = await faults(() => load('a,b,label\n1,2,0.5\n1e300,3,1.5\n4,-3.5e38,2.5\n5,3.4e38,1e39', { task: 'regression' }))
  expect(found.map((f) => [f.code, f.where!.split(', ').slice(1).join(', ')])).toEqual([
    ['OCK-DATA-024', 'row 2 (line 3), column a'],
    ['OCK-DATA-024', 'row 3 (line 4), column b'],
    ['OCK-DATA-024', 'row 4 (line 5), column label'],
  ])
  expect(found[0]!.what).toContain('1e300 is too large for float32')
})

test('a gap among numeric labels is an error and no class, however many there are', async () => {
  const labels = ['0', '1', 'NaN', 'NaN', 'NaN', '1']
  const found = await faults(() => load(['a,label', ...labels.map((l, i) => `${i},${l}`)].join('\n')))
  expect(found.map((f) => [f.code, f.what])).toEqual(Array.from({ length: 3 }, () => ['OCK-DATA-025', "'NaN' is none of 0, 1"]))
  const targets = ['0.5', '1.5', 'NaN', '', 'NaN', '2.5']
  const gaps = await faults(() => load(['a,label', ...targets.map((l, i) => `${i},${l}`)].join('\n')))
  expect(gaps.map((f) => f.code)).toEqual(['OCK-DATA-024', 'OCK-DATA-024', 'OCK-DATA-024'])
})

test.each([
  ['no such column', 'a,b\n1,2', {}, 'OCK-DATA-023', "no column 'label'"],
  ['no such feature', 'a,label\n1,2', { features: ['z'] }, 'OCK-DATA-023', "no column 'z'"],
  ['no numbers', 'a,label\nx,p\ny,q', {}, 'OCK-DATA-023', 'no column but the label'],
  ['the label as feature', 'a,label\n1,2', { features: ['label'] }, 'OCK-DATA-023', 'among the features'],
  ['short rows', 'a,b,label\n1,2', {}, 'OCK-DATA-022', '2 cells'],
  ['no rows', 'a,b,label\n', {}, 'OCK-DATA-020', 'no rows'],
  ['two columns of one name', 'a,a,label\n1,2,p', {}, 'OCK-DATA-021', "named 'a'"],
  ['an open quote', 'a,label\n"1,2', {}, 'OCK-DATA-020', 'not CSV'],
  ['one class', 'a,label\n1,p\n2,p', {}, 'OCK-DATA-026', "'p'"],
  ['a label that is no class', 'a,label\n1,p\n2,q', { classes: ['p', 'r'] }, 'OCK-DATA-025', "'q'"],
  ['nothing left to train on', 'a,label\n1,p\n2,q', { test: 0.9 }, 'OCK-DATA-017', '2 of 2'],
])('%s', async (_, text, options, code, what) => {
  const [first] = await faults(() => load(text, options))
  expect(first!.code).toBe(code)
  expect(first!.what).toContain(what)
})

const phoneme = shared('tabular/phoneme.csv')
test.skipIf(!phoneme)('phoneme: no header, last column is the label', async () => {
  const dataset = await csv(csvOptions.parse({ file: phoneme, header: false, label: '5' }))
  expect(dataset.meta).toMatchObject({ task: 'classification', classes: ['0', '1'], splits: { train: 4323, test: 1081 } })
  const { class: train } = dataset.meta.counts!['train']!
  const { class: test } = dataset.meta.counts!['test']!
  expect([train![0]! + test![0]!, train![1]! + test![1]!]).toEqual([3818, 1586])
  expect((await dataset.read('test', rows(0)))['x']!.shape).toEqual([1, 5])
})
