import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Dataset } from 'ockham'
import { auxiliary } from '../auxiliary.js'
import { all } from '../testing/files.js'
import { glyphs, glyphsOptions, glyphTable } from './glyphs.js'

const load = (options: object = {}): Promise<Dataset> => glyphs(glyphsOptions.parse(options))

test('digits: enough of them, every class alike, letters unlabelled beside them', async () => {
  const { meta, scaling } = await load()
  expect(meta.splits).toEqual({ train: 6145, validation: 1020, test: 2180, letters: 2232 })
  for (const split of ['train', 'validation', 'test']) {
    const counts = meta.counts![split]!.class!
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(3)
  }
  expect(meta.shapes['x']).toEqual({ shape: [28, 28, 1], dtype: 'float32' })
  expect(scaling!.mean[0]).toBeGreaterThan(0.05)
  expect((await all(await load(), 'letters'))['y']).toBeUndefined()
})

test('splits share no typeface, and every style is in each', async () => {
  const table = await glyphTable()
  const familiesOf = (split: string): Set<string> => new Set(table.filter((g) => g.split === split).map((g) => g.family))
  const [train, validation, testing] = [familiesOf('train'), familiesOf('validation'), familiesOf('test')]
  expect(train.size + validation.size + testing.size).toBe(new Set(table.map((g) => g.family)).size)
  expect((await load()).meta.dependence).toContain(`${train.size} training and ${testing.size} test typefaces`)
  expect((await load()).meta.unit).toBe('image')
  for (const split of ['train', 'validation', 'test'])
    expect(new Set(table.filter((g) => g.split === split).map((g) => g.style)).size).toBe(5)
})

test('no image is on both sides', async () => {
  const dataset = await load({ normalise: false })
  const imagesOf = async (split: string): Promise<Set<string>> => {
    const { data } = (await all(dataset, split))['x']!
    return new Set(
      Array.from({ length: data.length / 784 }, (_, i) =>
        createHash('sha1')
          .update(data.subarray(784 * i, 784 * (i + 1)))
          .digest('hex'),
      ),
    )
  }
  const train = await imagesOf('train')
  for (const split of ['validation', 'test', 'letters'])
    expect([...(await imagesOf(split))].filter((image) => train.has(image))).toEqual([])
})

test('images have ink in the middle and none on the border', async () => {
  const { data } = (await all(await load({ normalise: false }), 'test'))['x']!
  for (let i = 0; i < data.length; i += 784) {
    const image = data.subarray(i, i + 784)
    expect(Array.from(image).reduce((a, b) => a + b, 0)).toBeGreaterThan(8)
    expect(image.subarray(0, 28).every((v) => v === 0)).toBe(true)
  }
})

test('labels follow the characters', async () => {
  const table = await glyphTable()
  const dataset = await load({ characters: 'letters' })
  expect(dataset.meta.classes).toHaveLength(48)
  expect(dataset.meta.classes).not.toContain('O')
  const { y } = await all(dataset, 'validation')
  const characters = table.filter((g) => g.characters === 'letters' && g.split === 'validation').map((g) => g.character)
  expect(Array.from(y!.data, (label) => dataset.meta.classes![label])).toEqual(characters)
})

test('letters stand against digits under the digits’ scaling', async () => {
  const digits = await load()
  const { dataset, split } = auxiliary(await load({ split: 'letters', normalise: true }), digits, 'against')
  expect(split).toBe('letters')
  expect(dataset.scaling).toEqual(digits.scaling)
})

test('every typeface has an open licence and stands in the list', async () => {
  const rows = readFileSync(new URL('./LICENCES.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.includes('@fontsource/'))
  const families = new Set((await glyphTable()).map((g) => g.family))
  expect(new Set(rows.map((row) => /^- (.+) \(\w+, \w+\): /.exec(row)![1]))).toEqual(families)
  for (const row of rows) expect(row).toMatch(/: (OFL-1\.1|Apache-2\.0|UFL-1\.0), @fontsource/)
})
