import { expect, it } from 'vitest'
import { shuffledLabels, twoMoons, twoMoonsOptions } from './index.js'

it('deals the labels of a split out anew, and leaves inputs and other splits', async () => {
  const of = twoMoons(twoMoonsOptions.parse({}))
  const shuffled = shuffledLabels({ of, splits: ['train'], seed: 0 })
  const all = (split: string) => {
    const data = Int32Array.from({ length: of.meta.splits[split]! }, (_, i) => i)
    return { shape: [data.length], dtype: 'int32' as const, data }
  }
  const [before, after] = [await of.read('train', all('train')), await shuffled.read('train', all('train'))]
  expect(after['x']).toEqual(before['x'])
  const [y, z] = [Array.from(before['y']!.data), Array.from(after['y']!.data)]
  const agree = y.filter((label, i) => label === z[i]).length / y.length
  expect(agree).toBeGreaterThan(0.4)
  expect(agree).toBeLessThan(0.6)
  expect([...z].sort()).toEqual([...y].sort())
  expect(await shuffled.read('test', all('test'))).toEqual(await of.read('test', all('test')))
  expect(shuffled.meta.digest).not.toBe(of.meta.digest)
  // Rows read alone have the label that they have among others.
  const one = await shuffled.read('train', { shape: [1], dtype: 'int32', data: Int32Array.of(7) })
  expect(one['y']!.data[0]).toBe(z[7])
  expect(() => shuffledLabels({ of, splits: ['none'], seed: 0 })).toThrow(/OCK-DATA-001/)
})
