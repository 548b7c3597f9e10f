import type { DatasetMeta, Sampler } from 'ockham'
import { hostKey } from 'ockham'
import { beforeAll, describe, expect, it } from 'vitest'
import { bytesOf } from './setting.js'

const meta: DatasetMeta = { task: 'unlabelled', splits: { train: 23 }, shapes: {}, digest: 'none', licence: 'none' }

/** Holds for every sampler: rows of the split or −1, a pure function of its arguments. */
export function samplerSuite(name: string, make: () => Sampler | Promise<Sampler>): void {
  describe(`sampler ${name}`, () => {
    let sampler: Sampler
    beforeAll(async () => {
      sampler = await make()
    })
    const rows = (of: Sampler, step: number, seed = 1) => of.rows(meta, 'train', step, 5, hostKey(seed))

    it('gives rows of the split, −1 for padding', () => {
      for (let step = 0; step < 12; step++) {
        const { shape, dtype, data } = rows(sampler, step)
        expect([shape, dtype]).toEqual([[5], 'int32'])
        for (const row of data) expect(row >= -1 && row < 23).toBe(true)
        expect(data.some((row: number) => row >= 0)).toBe(true)
      }
    })

    it('does not depend on what was asked before', async () => {
      const other = await make()
      for (const step of [7, 0, 3, 7]) expect(bytesOf({ rows: rows(other, step) })).toEqual(bytesOf({ rows: rows(sampler, step) }))
    })
  })
}
