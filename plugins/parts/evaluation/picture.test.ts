import type { Posterior, Problem, Value } from 'ockham'
import { expect, it } from 'vitest'
import { evaluationSuite, inMemory, smallProblem } from '../../../test/suites/index.js'
import { hostKey } from 'ockham'
import { picture, pictureOptions } from './index.js'

const column = (numbers: readonly number[]): Value => ({ shape: [numbers.length, 1], dtype: 'float32', data: Float32Array.from(numbers) })
const constant = (n: number, v: number): Value => column(new Array<number>(n).fill(v))

/** A posterior that grows unsure with the distance from 0: mean 2x, variance ¼ + x². */
const cone: Posterior = {
  predict: ({ x }) => {
    const n = x!.shape[0]!
    const of = (f: (v: number) => number): Value => column(Array.from(x!.data, f))
    return Promise.resolve({ kind: 'normal', mean: of((v) => 2 * v), variance: of((v) => 0.25 + v * v), noise: constant(n, 0.25) })
  },
  save: () => ({ kind: 'cone', values: {}, meta: null }),
}

const fields = { x: column([-1, 0, 1]), y: column([-2, 0, 2]) }
const scaled = {
  ...inMemory({ train: fields, test: fields }),
  scaling: { mean: [10], std: [2] },
  target: { mean: [100], std: [10] },
}
const problem = smallProblem(hostKey(0), { dataset: scaled })

evaluationSuite('picture of a line', { make: () => picture(pictureOptions.parse({}), problem), posterior: () => cone, problem })

it('draws the band in the units of the file', async () => {
  const report = await picture(pictureOptions.parse({ side: 8, margin: 0 }), problem).evaluate(cone, problem, undefined as never)
  const { data } = report.figures!['predictive band'] as unknown as { data: { values: Record<string, number>[] } }
  const last = data.values.at(-1)!
  expect(data.values).toHaveLength(32)
  // x = 1 is 12 in the file; mean 2 is 120, epistemic deviation 1 is 10, the whole √1.25.
  expect([last['x'], last['mean'], last['low'], last['high']]).toEqual([12, 120, 100, 140])
  expect(last['most']).toBeCloseTo(120 + 20 * Math.sqrt(1.25), 3)
  expect(report.values['picture/deviation']).toBeGreaterThan(5)
})

const corners: Value = { shape: [4, 2], dtype: 'float32', data: Float32Array.of(0, 0, 0, 3, 1, 0, 1, 3) }
interface Field {
  readonly layer: readonly [
    { readonly data: { readonly values: { x: number; x2: number; y: number; y2: number; value: number }[] } },
    { readonly data: { readonly values: { x: number; y: number; of: string }[] } },
  ]
}
const over = async (posterior: Posterior, dataset: Problem['dataset']) => {
  const report = await picture(pictureOptions.parse({ side: 10, margin: 0 }), { dataset }).evaluate(
    posterior,
    { ...problem, dataset },
    undefined as never,
  )
  return { values: report.values, field: report.figures!['uncertainty over the plane'] as unknown as Field }
}

it('shades the plane by the entropy of classes, with the points of each', async () => {
  // The first input is the probability of class a: k/9.
  const right: Posterior = {
    ...cone,
    predict: ({ x }) => {
      const n = x!.shape[0]!
      const p = Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? x!.data[i]! : 1 - x!.data[i - 1]!))
      return Promise.resolve({ kind: 'categorical', probabilities: { shape: [n, 2], dtype: 'float32', data: p } })
    },
  }
  const y: Value = { shape: [4], dtype: 'int32', data: Int32Array.of(0, 1, 1, 0) }
  const { values, field } = await over(right, inMemory({ train: { x: corners, y } }, { classes: ['a', 'b'] }))
  const entropies = Array.from({ length: 10 }, (_, k) => [k / 9, 1 - k / 9].reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0))
  const squares = field.layer[0].data.values
  expect(squares).toHaveLength(100)
  expect(squares.slice(40, 50).map((s) => s.value)).toEqual(entropies.map((v) => expect.closeTo(v, 4) as number))
  const heights = squares.filter((_, i) => i % 10 === 0).map((s) => (s.y + s.y2) / 2)
  expect(heights).toEqual(Array.from({ length: 10 }, (_, k) => expect.closeTo(k / 3, 2) as number))
  expect(field.layer[1].data.values.map((p) => p.of)).toEqual(['a', 'b', 'b', 'a'])
  expect(values['picture/entropy']).toBeCloseTo(entropies.reduce((a, b) => a + b) / 10, 5)
})

it('and by the standard deviation of a number, in the units of the file', async () => {
  const dataset = { ...inMemory({ train: { x: corners, y: column([0, 1, 2, 3]) } }), target: { mean: [100], std: [10] } }
  const sure: Posterior = {
    ...cone,
    predict: ({ x }) => Promise.resolve({ kind: 'normal', mean: constant(x!.shape[0]!, 0), variance: constant(x!.shape[0]!, 0.25) }),
  }
  const { values, field } = await over(sure, dataset)
  expect(values).toEqual({ 'picture/deviation': 5 })
  expect(field.layer[0].data.values.every((s) => s.value === 5)).toBe(true)
})

it('refuses inputs of more numbers', () => {
  const wide = inMemory({ train: { x: { shape: [2, 3], dtype: 'float32', data: new Float32Array(6) }, y: column([0, 1]) } })
  expect(() => picture(pictureOptions.parse({}), { dataset: wide })).toThrow(/OCK-EVAL-007/)
})
