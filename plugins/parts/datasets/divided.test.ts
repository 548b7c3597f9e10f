import type { Dataset, Value } from 'ockham'
import { expect, it } from 'vitest'
import { inMemory } from '../training/testing.js'
import { divided } from './divided.js'

const rows = (n: number): Value => ({ shape: [n], dtype: 'int32', data: Int32Array.from({ length: n }, (_, i) => i) })
const column = (n: number): Value => ({ shape: [n, 1], dtype: 'float32', data: Float32Array.from({ length: n }, (_, i) => i) })
const of = inMemory({ train: { x: column(5) }, validation: { x: column(9) } })
const read = async (dataset: Dataset, split: string): Promise<number[]> =>
  Array.from((await dataset.read(split, rows(dataset.meta.splits[split]!)))['x']!.data)

it('deals every row into one part, in proportion, the same every time', async () => {
  const make = (): Dataset => divided({ of, split: 'validation', into: { a: 1, b: 2 }, seed: 3 })
  const dataset = make()
  expect(dataset.meta.splits).toEqual({ train: 5, a: 3, b: 6 })
  const parts = [await read(dataset, 'a'), await read(dataset, 'b')]
  expect(parts.flat().sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  expect([await read(make(), 'a'), await read(make(), 'b')]).toEqual(parts)
  expect(await read(divided({ of, split: 'validation', into: { a: 1, b: 2 }, seed: 4 }), 'b')).not.toEqual(parts[1])
  expect(await read(dataset, 'train')).toEqual([0, 1, 2, 3, 4])
})

it('refuses a split that is not there, an empty part, and a name that is taken', () => {
  const into =
    (parts: Record<string, number>, split = 'validation') =>
    () =>
      divided({ of, split, into: parts, seed: 0 })
  expect(into({ a: 1, b: 1 }, 'test')).toThrow(/OCK-DATA-001/)
  expect(into({ a: 1, b: 1000 })).toThrow(/OCK-DATA-052.*'a'.*empty/)
  expect(into({ train: 1, b: 1 })).toThrow(/OCK-DATA-052.*already/)
})
