import type { Dataset, Value } from 'ockham'
import { hostKey } from 'ockham'
import { beforeAll, describe, expect, it } from 'vitest'
import { value } from '../../plugins/parts/training/trees.js'
import { bytesOf, isFinite } from './setting.js'

const rowsOf = (...rows: number[]): Value => value(rows, [rows.length], 'int32')

/** Holds for every dataset: what `meta` says is what `read` gives, and reading is a function of its arguments. */
export function datasetSuite(name: string, make: () => Dataset | Promise<Dataset>): void {
  describe(`dataset ${name}`, () => {
    let dataset: Dataset
    beforeAll(async () => {
      dataset = await make()
    })
    const splits = (): [string, number][] => Object.entries(dataset.meta.splits).filter(([, n]) => n > 0)
    const ends = (n: number): Value => rowsOf(0, n - 1, Math.floor(n / 2), 0)

    it('has splits, a digest and a licence, the same for two instances', async () => {
      const again = (await make()).meta
      expect(splits().length).toBeGreaterThan(0)
      expect(dataset.meta.digest).not.toBe('')
      expect(dataset.meta.licence).not.toBe('')
      expect(again).toEqual(dataset.meta)
      expect(JSON.parse(JSON.stringify(dataset.meta))).toEqual(dataset.meta)
    })

    it('reads fields of the shapes and types that it states', async () => {
      for (const [split, n] of splits()) {
        const fields = await dataset.read(split, ends(n))
        for (const [field, { shape, dtype }] of Object.entries(dataset.meta.shapes)) {
          const read = fields[field]
          // A split may have no labels.
          if (!read && field === 'y') continue
          if (!read) throw new Error(`${split} has no ${field}`)
          expect([field, read.dtype, read.shape]).toEqual([field, dtype, [4, ...shape]])
          expect(read.data.length).toBe(read.shape.reduce((a, b) => a * b, 1))
          expect(isFinite(read), `${split} ${field}`).toBe(true)
        }
      }
    })

    it('gives the same rows the same values, wherever they stand', async () => {
      for (const [split, n] of splits()) {
        const fields = await dataset.read(split, ends(n))
        expect(bytesOf(await dataset.read(split, ends(n)))).toEqual(bytesOf(fields))
        const alone = await dataset.read(split, rowsOf(n - 1))
        for (const [field, { data }] of Object.entries(alone)) {
          const width = data.length
          expect(fields[field]!.data.slice(width, 2 * width), `${split} ${field}`).toEqual(data)
          expect(fields[field]!.data.slice(0, width)).toEqual(fields[field]!.data.slice(3 * width))
        }
      }
    })

    it('augments by key alone', async () => {
      const [split, n] = splits()[0]!
      const read = async (seed: number) => bytesOf(await dataset.read(split, ends(n), hostKey(seed)))
      expect(await read(1)).toEqual(await read(1))
    })

    it('labels within its classes, as often as it counts', async () => {
      const { classes, counts } = dataset.meta
      if (!classes) return
      for (const [split, n] of splits()) {
        const seen = new Array<number>(classes.length).fill(0)
        for (let start = 0; start < n; start += 1000) {
          const { y } = await dataset.read(split, rowsOf(...Array.from({ length: Math.min(1000, n - start) }, (_, i) => start + i)))
          if (!y) return
          for (const label of y.data) seen[label]!++
        }
        expect(seen.reduce((a, b) => a + b)).toBe(n)
        const stated = counts?.[split]?.class
        if (stated) expect(seen).toEqual([...stated])
      }
    })

    it('keeps its content under another scaling', async () => {
      if (!dataset.rescaled) return
      const [split, n] = splits()[0]!
      const raw = dataset.rescaled(undefined)
      expect(raw.scaling).toBeUndefined()
      const back = raw.rescaled!(dataset.scaling)
      expect(bytesOf(await back.read(split, ends(n)))).toEqual(bytesOf(await dataset.read(split, ends(n))))
    })
  })
}
