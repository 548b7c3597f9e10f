import { hostKey, type Engine, type Inference, type Posterior, type Problem } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mean } from '../evaluation/index.js'
import { gaussian } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { value } from '../training/index.js'
import { engines, inMemory, testRun } from '../training/testing.js'
import { foldsOf, jackknife, jackknifeOptions, leastCoverage, type JackknifeOptions } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['interpreter']!()
})
afterAll(() => engine.dispose())

/** Says of every input the number that was given. */
const constant = (level: number): Posterior => ({
  predict: ({ x }) => {
    const all = value(new Float32Array(x!.shape[0]!).fill(level), [x!.shape[0]!, 1])
    return Promise.resolve({ kind: 'normal', mean: all, variance: value(new Float32Array(x!.shape[0]!).fill(1), [x!.shape[0]!, 1]) })
  },
  save: () => ({ kind: 'constant', values: { level: value([level]) }, meta: null }),
})

/** Learns the mean of the training targets. */
const meanOf: Inference = {
  async infer({ dataset, examples }) {
    const rows = value(
      Int32Array.from({ length: examples }, (_, i) => i),
      [examples],
      'int32',
    )
    const { y } = await dataset.read('train', rows)
    return constant(mean(Float64Array.from(y!.data)))
  },
  restore: ({ values }) => constant(values['level']!.data[0]!),
}

const column = (numbers: ArrayLike<number>) => value(numbers, [numbers.length, 1])
const problemOf = (train: ArrayLike<number>, test: ArrayLike<number>): Problem => ({
  dataset: inMemory({ train: { x: column(train), y: column(train) }, test: { x: column(test), y: column(test) } }),
  model: { init: () => ({ params: {}, frozen: {}, state: {} }), apply: (_, x) => x as never },
  objective: gaussian({ noise: 1 }),
  prior: flat(),
  examples: train.length,
})

const report = async (train: ArrayLike<number>, test: ArrayLike<number>, options: object) => {
  const problem = problemOf(train, test)
  const parsed = { ...jackknifeOptions.omit({ of: true }).parse(options), of: meanOf } as JackknifeOptions
  const { run } = testRun(engine)
  return (await jackknife(parsed, problem).evaluate(await meanOf.infer(problem, run), problem, run)).values
}

describe('jackknife+', () => {
  it('four rows by hand', async () => {
    // Means without each row 3, 8/3, 7/3, 1; residuals 3, 5/3, 1/3, 5; rank 3 of 4: from 0 to 6.
    const values = await report([0, 1, 2, 6], [3, 7], { folds: 10, alpha: 0.4 })
    expect(values['test/jackknife-width']).toBeCloseTo(6, 5)
    expect(values['test/jackknife-coverage']).toBe(0.5)
    expect(values['test/jackknife-least']).toBeCloseTo(0.2, 12)
  })

  it('covers what it says, with folds too', async () => {
    const draws = hostKey(3).normal([3000]).data
    const values = await report(draws.slice(0, 200), draws.slice(200), { folds: 10, alpha: 0.1 })
    // The standard error of coverage over 200 calibrating rows is about 0.022.
    expect(Math.abs(values['test/jackknife-coverage']! - 0.9)).toBeLessThan(0.06)
    expect(Math.abs(values['test/jackknife-width']! - 2 * 1.645)).toBeLessThan(0.5)
  })

  it('deals rows evenly, and says what is sure', () => {
    const folds = foldsOf(25, 4)
    expect([0, 1, 2, 3].map((k) => folds.filter((f) => f === k).length)).toEqual([7, 6, 6, 6])
    expect(leastCoverage(100, 100, 0.1)).toBeCloseTo(0.8, 12)
    expect(leastCoverage(100, 10, 0.1)).toBeCloseTo(0.8 - 0.9 / 11, 12)
  })

  it('refuses several outputs', async () => {
    const two = value([1, 2, 3, 4], [2, 2])
    const dataset = inMemory({ train: { x: two, y: two }, test: { x: two, y: two } })
    const posterior: Posterior = { ...constant(0), predict: () => Promise.resolve({ kind: 'normal', mean: two, variance: two }) }
    const parsed = { ...jackknifeOptions.omit({ of: true }).parse({}), of: meanOf } as JackknifeOptions
    const { run } = testRun(engine)
    await expect(jackknife(parsed, { dataset }).evaluate(posterior, { ...problemOf([1], [1]), dataset }, run)).rejects.toThrow(
      'OCK-CONFORMAL-005',
    )
  })
})
