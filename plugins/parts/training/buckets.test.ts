import { hostKey } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { describe, expect, it } from 'vitest'
import { bucketLengths, bucketOf, padTo } from './buckets.js'
import { engines } from './testing.js'
import { value } from './trees.js'

it('buckets rise by their growth to the longest', () => {
  expect(bucketLengths({ least: 16, most: 128 })).toEqual([16, 32, 64, 128])
  expect(bucketLengths({ least: 10, most: 25, growth: 1.5 })).toEqual([10, 15, 23, 25])
  expect(bucketOf(33, { least: 16, most: 128 })).toBe(64)
  expect(() => bucketOf(129, { least: 16, most: 128 })).toThrow(/OCK-TRAIN-020/)
})

it('pads the end of any axis', () => {
  expect(Array.from(padTo(value([1, 2, 3, 4], [2, 2]), 1, 3, 9).data)).toEqual([1, 2, 9, 3, 4, 9])
  expect(padTo(value([1, 2, 3, 4], [2, 2], 'int32'), 0, 3)).toEqual(value([1, 2, 3, 4, 0, 0], [3, 2], 'int32'))
})

describe.each(Object.entries(engines))('on %s', (_, start) => {
  it('two hundred lengths compile no more than there are buckets', async () => {
    const engine = await start()
    const buckets = { least: 8, most: 200 }
    const program = engine.compile((x: Tensor) => x.square().sum())
    const lengths = hostKey(3).integers([200], 200).data
    for (const n of lengths) {
      const x = value(new Float32Array(n + 1).fill(1))
      expect((await program(padTo(x, 0, bucketOf(n + 1, buckets)))).data[0]).toBe(n + 1)
    }
    expect(program.compiled).toBeLessThanOrEqual(bucketLengths(buckets).length)
    await engine.dispose()
  })
})
