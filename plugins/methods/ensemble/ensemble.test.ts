import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostKey, memoryStore, type Engine, type Inference, type Posterior, type Prediction, type Problem } from 'ockham'
import { beforeAll, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { crossEntropy, gaussian } from '../../parts/objectives/index.js'
import { l2Sp, normal } from '../../parts/priors/index.js'
import { encodePosterior } from '../../parts/safetensors/index.js'
import {
  fromWeights,
  mapOptions,
  maximumAPosteriori,
  pointMass,
  sgd,
  sgdOptions,
  value,
  type MapOptions,
} from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { ensemble, ensembleOf, ensembleOptions, type Ensemble } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['interpreter']!()
})

const says = (prediction: Prediction): Posterior => ({
  predict: () => Promise.resolve(prediction),
  save: () => ({ kind: 'says', values: {}, meta: null }),
})

it('a mixture of normals has the mean of the means, and the spread of the means in its variance', async () => {
  const variances = [0.2, 0.1, 0.4]
  const members = [1, 1.4, 0.8].map((mean, i) =>
    says({ kind: 'normal', mean: value([mean], [1, 1]), variance: value([variances[i]!], [1, 1]), noise: value([variances[i]!], [1, 1]) }),
  )
  const prediction = (await ensembleOf(members).predict({})) as Extract<Prediction, { kind: 'normal' }>
  expect(prediction.mean.data[0]).toBeCloseTo(1.0666666667, 6)
  expect(prediction.variance.data[0]).toBeCloseTo(0.2955555556, 6)
  expect(prediction.noise!.data[0]).toBeCloseTo(0.2333333333, 6)
})

it('class probabilities are averaged, never logits, and the members are kept', async () => {
  const rows = [
    [0.7, 0.2, 0.1],
    [0.4, 0.5, 0.1],
    [0.1, 0.1, 0.8],
  ]
  const all = ensembleOf(rows.map((row) => says({ kind: 'categorical', probabilities: value(row, [1, 3]) })))
  const prediction = (await all.predict({})) as Extract<Prediction, { kind: 'categorical' }>
  expect(Array.from(prediction.probabilities.data)).toEqual([0.4, 0.8 / 3, 1 / 3].map((p) => expect.closeTo(p, 6)))
  expect(prediction.members!.shape).toEqual([3, 1, 3])
})

const x = value([-1, 0, 0.4, 1, 2, -2], [3, 2])
const dataset = inMemory(
  { train: { x, y: value([0, 1, 0], [3], 'int32') }, test: { x, y: value([0, 1, 0], [3], 'int32') } },
  { classes: ['a', 'b'] },
)
const problem: Problem = {
  dataset,
  model: mlp(mlpOptions.parse({ hidden: [4] })),
  objective: crossEntropy(),
  prior: normal({ scale: 1 }),
  examples: 3,
}
const map = (): Inference => maximumAPosteriori(mapOptions.parse({ steps: 5 }) as MapOptions, { engine })
const made = (options: object, of: Inference = map()): Inference => ensemble({ ...ensembleOptions.parse(options), of }, { engine })

it('members differ in start and order; those that are finished are not learnt again', async () => {
  const store = memoryStore()
  let learnt = 0
  const counted: Inference = {
    ...map(),
    infer(...given) {
      if (learnt++ === 2) throw new Error('the power goes')
      return map().infer(...given)
    },
  }
  await expect(made({ members: 3 }, counted).infer(problem, testRun(engine, { store }).run)).rejects.toThrow('the power goes')
  const posterior = (await made({ members: 3 }, counted).infer(problem, testRun(engine, { store }).run)) as Ensemble
  expect(learnt).toBe(4)
  const whole = (await made({ members: 3 }).infer(problem, testRun(engine).run)) as Ensemble
  expect(posterior.save()).toEqual(whole.save())
  const kernels = whole.members.map((m) => m.weights!.point().params['head.kernel']!.data.join())
  expect(new Set(kernels).size).toBe(3)
  const { members } = await whole.predict({ x }, { samples: 5, key: hostKey(0) })
  expect(members!.shape).toEqual([5, 3, 2])
})

it('finished runs are members: folders, or a pattern of them', async () => {
  const root = mkdtempSync(join(tmpdir(), 'ockham-ensemble-'))
  const singles: Extract<Prediction, { kind: 'categorical' }>[] = []
  for (const seed of [0, 1, 2]) {
    const posterior = await map().infer(problem, testRun(engine, { seed }).run)
    singles.push((await posterior.predict({ x })) as Extract<Prediction, { kind: 'categorical' }>)
    mkdirSync(join(root, `map-${seed}`))
    writeFileSync(join(root, `map-${seed}`, 'posterior.safetensors'), encodePosterior(posterior.save(), dataset.meta))
  }
  mkdirSync(join(root, 'map-unfinished'))
  for (const from of [[join(root, 'map-*')], [0, 1, 2].map((seed) => join(root, `map-${seed}`))]) {
    const posterior = await made({ from }).infer(problem, testRun(engine).run)
    const { probabilities } = (await posterior.predict({ x })) as Extract<Prediction, { kind: 'categorical' }>
    const wanted = Array.from(probabilities.data, (_, i) => singles.reduce((s, p) => s + p.probabilities.data[i]! / 3, 0))
    expect(Array.from(probabilities.data)).toEqual(wanted.map((p) => expect.closeTo(p, 6)))
  }
  const missing = made({ from: [join(root, 'none'), join(root, 'swag-*')] }).infer(problem, testRun(engine).run)
  await expect(missing).rejects.toThrow(/2 problems.*OCK-ENSEMBLE-001.*none.*swag/s)
  const wider = { ...problem, model: mlp(mlpOptions.parse({ hidden: [5] })) }
  await expect(made({ from: [join(root, 'map-1')] }).infer(wider, testRun(engine).run)).rejects.toThrow('OCK-TRAIN-002')
})

it('a member with noisy targets, held to a draw of the prior, is a draw of the exact posterior: brief section 7', async () => {
  // G1 with noise (0.1, −0.2, 0.3, 0) on its targets; the draw is intercept ½, slope −½.
  const noise = [0.1, -0.2, 0.3, 0]
  const y = value(
    [0.1, 0.9, 2.1, 2.9].map((t, i) => t + noise[i]!),
    [4, 1],
  )
  const line = {
    dataset: inMemory({ train: { x: value([0, 1, 2, 3], [4, 1]), y } }),
    model: mlp(mlpOptions.parse({ hidden: [] })),
    objective: gaussian({ noise: 0.5 }),
    prior: l2Sp({ scale: Math.SQRT1_2, fresh: [] }),
    examples: 4,
  }
  const start = { params: { 'head.kernel': value([-0.5], [1, 1]), 'head.bias': value([0.5]) }, frozen: {}, state: {} }
  const initial = fromWeights(line, engine, pointMass(start))
  const optimizer = sgd(sgdOptions.parse({ learningRate: 0.05, momentum: 0.5 }))
  const of = maximumAPosteriori({ ...mapOptions.parse({ steps: 200, batchSize: 4 }), optimizer } as MapOptions, { engine })
  const posterior = (await made({ members: 1 }, of).infer({ ...line, initial }, testRun(engine).run)) as Ensemble
  const { params } = posterior.members[0]!.weights!.point()
  expect(params['head.bias']!.data[0]).toBeCloseTo(0.3358974359, 5)
  expect(params['head.kernel']!.data[0]).toBeCloseTo(0.8230769231, 5)
})
