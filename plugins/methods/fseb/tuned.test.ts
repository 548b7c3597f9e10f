import type { Engine, Posterior, Problem } from 'ockham'
import { hostKey } from 'ockham'
import { beforeAll, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { mapOptions, maximumAPosteriori, value, type MapOptions } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { fseb } from './fseb.js'
import { sensitivity } from './sensitivity.js'
import { options } from './testing.js'
import { tuned, tunedOptions, type Trial, type Tuned } from './tuned.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})

const cloud = (n: number, seed: number) => {
  const y = Array.from({ length: n }, (_, i) => i % 2)
  const x = Array.from(hostKey(seed).normal([n, 2]).data, (e, i) => e + 2 * y[i >> 1]!)
  return { x: value(x, [n, 2]), y: value(y, [n], 'int32') }
}
const problemOf = (prior: Problem['prior']): Problem => ({
  model: mlp(mlpOptions.parse({ hidden: [4] })),
  dataset: inMemory({ train: cloud(40, 1), validation: cloud(30, 2) }, { classes: ['a', 'b'] }),
  objective: crossEntropy(),
  prior,
  examples: 40,
})
const prior = () => fseb(options({ context: inMemory({ train: { x: cloud(20, 3).x } }), contextSize: 5 }))
const inference = (given: object) => {
  const of = maximumAPosteriori(mapOptions.parse({ steps: 60, batchSize: 20, optimizer: undefined }) as MapOptions, { engine })
  return tuned({ ...tunedOptions.parse(given), of }, { engine })
}

it('tries one strength after the other, keeps the best, and comes back from what it saved', async () => {
  const problem = problemOf(prior())
  const search = inference({ covDiag: [1, 1000], covScale: [0.01, 0.5], priorVar: [1e-4, 0.1] })
  const posterior = (await search.infer(problem, testRun(engine).run)) as Tuned
  expect(posterior.trials).toHaveLength(4)
  const best = posterior.trials.reduce((a, b) => (b.nll < a.nll ? b : a))
  // A variance of 1e-4 leaves nothing of the weights.
  expect(best.priorVar).toBe(0.1)
  expect(posterior.trials.filter((t) => t.priorVar === 1e-4).every((t) => t.nll > best.nll)).toBe(true)

  const { values, tables, figures } = await sensitivity().evaluate(posterior, problem, testRun(engine).run)
  expect(values['validation/nll']).toBe(best.nll)
  expect(values['tuned/covDiag']).toBe(best.covDiag)
  // Each strength was changed by itself, the first two before the third was found.
  for (const name of ['covDiag', 'covScale', 'priorVar']) expect(values[`validation/nll-range-${name}`]).toBeGreaterThan(0)
  expect(tables!['sensitivity']).toEqual(posterior.trials)
  expect(figures).toHaveProperty('sensitivity')

  const again = (await search.restore(posterior.save(), problem)) as Tuned
  expect(again.trials).toEqual(posterior.trials)
  const { x } = cloud(5, 4)
  expect(await again.predict({ x })).toEqual(await posterior.predict({ x }))
})

it('every combination, or a reason why not', async () => {
  const search = inference({ covDiag: [1], covScale: [0.01, 0.1], priorVar: [0.1, 1], search: 'grid' })
  const posterior = (await search.infer(problemOf(prior()), testRun(engine).run)) as Tuned
  expect(posterior.trials).toHaveLength(4)
  await expect(search.infer(problemOf(normal({ scale: 1 })), testRun(engine).run)).rejects.toThrow(/OCK-FSEB-001/)
  await expect((async () => search.restore({ kind: 'weights', values: {}, meta: null }, problemOf(prior())))()).rejects.toThrow(
    /OCK-FSEB-002/,
  )
  expect(() => sensitivity().evaluate(posterior.weights as never, problemOf(prior()), testRun(engine).run)).toThrow(/OCK-FSEB-003/)
})

it('sensitivity is along the lines that were searched, also those that do not go through the best', async () => {
  const trial = (covDiag: number, covScale: number, priorVar: number, nll: number): Trial => ({
    covDiag,
    covScale,
    priorVar,
    nll,
    score: 0,
  })
  const trials = [trial(1, 0.01, 0.1, 1), trial(10, 0.01, 0.1, 0.8), trial(10, 0.1, 0.1, 0.9), trial(10, 0.01, 1, 0.5)]
  const { values } = await sensitivity().evaluate({ trials } as unknown as Posterior, problemOf(prior()), testRun(engine).run)
  expect(values['validation/nll-range-covDiag']).toBeCloseTo(0.2, 12)
  expect(values['validation/nll-range-covScale']).toBeCloseTo(0.1, 12)
  expect(values['validation/nll-range-priorVar']).toBeCloseTo(0.3, 12)
})
