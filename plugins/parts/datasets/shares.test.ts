import { hostKey } from 'ockham'
import { expect, it } from 'vitest'
import { arrays, arraysOptions } from './arrays.js'
import { partsOf, viewOf } from './shares.js'

const upTo = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => from + i)
const fields = (x: readonly number[], y: readonly number[]) => ({
  x: { shape: [x.length, 1], dtype: 'float32' as const, data: Float32Array.from(x) },
  y: { shape: [y.length], dtype: 'int32' as const, data: Int32Array.from(y) },
})
const splits = { train: fields(upTo(10), upTo(10)), test: fields([20, 21], [3, 4]) }
const data = arrays(arraysOptions.parse({ splits, scaling: true }))
const rows = (of: readonly number[]) => ({ shape: [of.length], dtype: 'int32' as const, data: Int32Array.from(of) })

it('deals the rows once: each to the prior or to the bound', () => {
  const { prior, bound } = partsOf(10, 0.3, 4)
  expect([prior.length, bound.length]).toEqual([3, 7])
  expect([...prior, ...bound].sort((a, b) => a - b)).toEqual(upTo(10))
  expect(partsOf(10, 0.3, 4)).toEqual({ prior, bound })
})

it('a view has its rows for training, and the other splits and the scaling as they were', async () => {
  const { bound } = partsOf(10, 0.3, 4)
  const view = viewOf(data, bound)
  expect(view.meta.splits).toEqual({ train: 7, test: 2 })
  expect(view.meta.counts).toEqual({ test: data.meta.counts!['test'] })
  const { y } = await view.read('train', rows([0, 6]), hostKey(0))
  expect(Array.from(y!.data)).toEqual([bound[0], bound[6]])
  expect(() => view.read('train', rows([7]))).toThrow(/OCK-DATA-002/)
  expect(Array.from((await view.read('test', rows([1])))['y']!.data)).toEqual([4])
  expect(Array.from((await view.rescaled!(undefined).read('train', rows([0])))['x']!.data)).toEqual([bound[0]])
})

it('says whether a scaling was fitted', () => {
  expect(data.fitted).toBe(true)
  expect(viewOf(data, Int32Array.of(1)).fitted).toBe(true)
  expect(data.rescaled!({ mean: [0], std: [2] }).fitted).toBeUndefined()
})
