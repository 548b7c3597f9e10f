import { hostKey, type Engine, type Problem, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../networks/index.js'
import { gaussian } from '../objectives/index.js'
import { normal } from '../priors/index.js'
import { adam, adamOptions } from './adam.js'
import { descend, type Descent } from './descend.js'
import { mapOptions, maximumAPosteriori } from './map.js'
import { sequential } from './samplers.js'
import { engines, inMemory, testRun } from './testing.js'

const problem: Problem = {
  model: mlp(mlpOptions.parse({ hidden: [6], activation: 'tanh' })),
  dataset: inMemory({ train: { x: hostKey(1).normal([24, 3]), y: hostKey(2).normal([24, 1]) } }),
  objective: gaussian({ noise: 1 }),
  prior: normal({ scale: 1 }),
  examples: 24,
}
const options: Descent = { optimizer: adam(adamOptions.parse({ learningRate: 0.01 })), steps: 10, size: 24, sampler: sequential }
const close = (a: Values, b: Values): void => {
  expect(Object.keys(a).length).toBeGreaterThan(0)
  for (const name of Object.keys(a)) a[name]!.data.forEach((x, i) => expect(x).toBeCloseTo(b[name]!.data[i]!, 4))
}

describe.each(Object.entries(engines))('accumulation on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  it('of three batches of eight is one of twenty-four, clipped or not', async () => {
    for (const clip of [{}, { clip: 0.05 }]) {
      const whole = await descend(problem, testRun(engine).run, { ...options, ...clip })
      const parts = await descend(problem, testRun(engine).run, { ...options, ...clip, size: 8, steps: 30, accumulate: 3 })
      close(parts.vars.params, whole.vars.params)
    }
  })

  it('updates with what there is at the end', async () => {
    const four = await descend(problem, testRun(engine).run, { ...options, size: 8, steps: 4, accumulate: 3 })
    const three = await descend(problem, testRun(engine).run, { ...options, size: 8, steps: 3, accumulate: 3 })
    expect(four.vars.params['head.bias']!.data[0]).not.toBe(three.vars.params['head.bias']!.data[0])
    const two = await descend(problem, testRun(engine).run, { ...options, size: 24, steps: 1 })
    close(three.vars.params, two.vars.params)
  })

  it('is an option of map', async () => {
    const optimizer = adam(adamOptions.parse({ learningRate: 0.01 }))
    const of = async (given: object) => {
      const inference = maximumAPosteriori({ ...mapOptions.parse(given), optimizer, sampler: sequential }, { engine })
      const posterior = await inference.infer(problem, testRun(engine).run)
      return posterior.save().values
    }
    close(await of({ steps: 9, batchSize: 8, accumulate: 3 }), await of({ steps: 3, batchSize: 24 }))
  })

  it('refuses an optimizer that asks for the gradient elsewhere', async () => {
    const twice: Descent['optimizer'] = {
      init: () => ({}),
      update: ({ params, memory, gradient }) => {
        gradient(params)
        return { params: gradient(params), memory }
      },
    }
    await expect(descend(problem, testRun(engine).run, { ...options, optimizer: twice, accumulate: 2 })).rejects.toThrow(/OCK-TRAIN-021/)
  })
})
