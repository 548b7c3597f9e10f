import type { Dataset, Engine, Evaluation, Problem, Run, RunEvent, Values } from 'ockham'
import { beforeAll, describe, expect, it } from 'vitest'
import { calibration, calibrationOptions } from '../evaluation/index.js'
import { mlp, mlpOptions } from '../networks/index.js'
import { crossEntropy, gaussian } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { descend, type Descent } from './descend.js'
import { predictor } from './predict.js'
import { sgd } from './sgd.js'
import { engines, inMemory, testRun } from './testing.js'
import { like, value } from './trees.js'
import { validate } from './validation.js'
import { Watch } from './watch.js'
import { fromWeights, pointMass } from './weights.js'

const problemOf = (dataset: Dataset, objective: Problem['objective']): Problem => ({
  model: mlp(mlpOptions.parse({ hidden: [] })),
  dataset,
  objective,
  prior: flat(),
  examples: dataset.meta.splits['train']!,
})
const three: Values = { x: value([1, 2, -4], [3, 1]), y: value([0, 1, 1], [3], 'int32') }
const classes = inMemory({ train: three, validation: three }, { classes: ['left', 'right'] })
const line: Values = { x: value([1, 2, 4], [3, 1]), y: value([1, 5, -2], [3, 1]) }
const targets: Dataset = { ...inMemory({ train: line, validation: line }), target: { mean: [10], std: [3] } }

const still: Descent = { optimizer: sgd({ learningRate: 1e-12, momentum: 0, nesterov: false }), steps: 4, size: 2 }

describe.each(Object.entries(engines))('validation on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })

  const both = async (problem: Problem, change: (params: Values) => Values = (p) => p) => {
    const { vars } = await descend(problem, testRun(engine).run, still)
    const at = { ...vars, params: change(vars.params) }
    const evaluation: Evaluation = calibration(calibrationOptions.parse({ splits: ['validation'] }), { dataset: problem.dataset })
    const { values } = await evaluation.evaluate(fromWeights(problem, engine, pointMass(at)), problem, {} as Run)
    return { mine: await validate(problem, predictor(problem, engine), at, 'validation'), theirs: values }
  }

  it('is what the evaluation calibration finds, for classes and for numbers', async () => {
    for (const problem of [problemOf(classes, crossEntropy()), problemOf(targets, gaussian({ noise: 0.5 }))]) {
      const { mine, theirs } = await both(problem)
      expect(Object.keys(mine)).toHaveLength(2)
      expect(theirs).toMatchObject(mine)
    }
  })

  it('takes the first of equally probable classes, and gives an impossible label a finite likelihood', async () => {
    const zero = await both(problemOf(classes, crossEntropy()), (p) => like(p))
    expect(zero.mine['validation/accuracy']).toBeCloseTo(1 / 3, 12)
    expect(zero.mine['validation/nll']).toBeCloseTo(Math.log(2), 6)
    // Logits (0, 1000): the labels 0 have probability 0 in float32, the smallest of which is 2^−149.
    const sure = await both(problemOf(classes, crossEntropy()), (p) => ({ ...like(p), 'head.bias': value([0, 1000]) }))
    expect(sure.mine['validation/nll']).toBeCloseTo((149 * Math.log(2)) / 3, 6)
  })

  it('speaks of targets in their original units', async () => {
    const { mine } = await both(problemOf(targets, gaussian({ noise: 0.5 })), (p) => like(p))
    expect(mine['validation/rmse']).toBeCloseTo(3 * Math.sqrt((1 + 25 + 4) / 3), 6)
    const variance = (3 * 0.5) ** 2
    expect(mine['validation/nll']).toBeCloseTo(0.5 * Math.log(2 * Math.PI * variance) + (9 * 10) / (2 * variance), 5)
  })

  it('the training loss of an epoch is the mean over its examples, however they fall into batches', async () => {
    const loss = async (size: number) => {
      const { run, events } = testRun(engine)
      await descend(problemOf(targets, gaussian({ noise: 1 })), run, { ...still, size, steps: Math.ceil(3 / size) })
      const epochs = events.filter((e): e is Extract<RunEvent, { type: 'epoch' }> => e.type === 'epoch')
      const steps = events.filter((e): e is Extract<RunEvent, { type: 'step' }> => e.type === 'step')
      for (const step of steps) expect(Object.keys(step.values).sort()).toEqual(['energy', 'loss'])
      return epochs.map(({ values }) => values['train/loss'])
    }
    const [whole, pairs, singles] = [await loss(3), await loss(2), await loss(1)]
    expect(whole).toHaveLength(1)
    expect(pairs).toEqual([expect.closeTo(whole[0]!, 5)])
    expect(singles).toEqual([expect.closeTo(whole[0]!, 5)])
  })

  it('numbers epochs whole, the last one of a short run too', async () => {
    const { run, events } = testRun(engine)
    await descend(problemOf(classes, crossEntropy()), run, { ...still, steps: 5 })
    expect(events.flatMap((e) => (e.type === 'epoch' ? [e.epoch] : []))).toEqual([1, 2, 3])
  })
})

it('a watch weighs the mean by the examples of each step, and goes on from what it saved', () => {
  const watch = new Watch()
  watch.add(1, 30)
  const resumed = new Watch()
  resumed.load(watch.save())
  resumed.add(5, 10)
  expect(resumed.mean()).toBe(2)
  resumed.add(7, 2)
  expect(resumed.mean()).toBe(7)
})
