import type { Posterior, Value } from 'ockham'
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

it('refuses inputs of more numbers', () => {
  const wide = inMemory({ train: { x: { shape: [2, 3], dtype: 'float32', data: new Float32Array(6) }, y: column([0, 1]) } })
  expect(() => picture(pictureOptions.parse({}), { dataset: wide })).toThrow(/OCK-EVAL-007/)
})
