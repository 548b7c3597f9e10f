import { type Engine, type Inference, type Posterior, type Prediction, type Problem, type Value } from 'ockham'
import { beforeAll, expect, it } from 'vitest'
import { value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { fitTemperature, nllAt, temperatureOptions, temperatureScaled, type Logs } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['interpreter']!()
})

const softmax = (logits: readonly number[]): number[] => {
  const total = logits.reduce((s, v) => s + Math.exp(v), 0)
  return logits.map((v) => Math.exp(v) / total)
}
const logits = [
  [2, 0, 0],
  [1, 0, -1],
  [0, 3, 0],
  [0.5, 0.4, 0],
  [2, 1, 0],
]
const labels = [0, 0, 1, 2, 1]
const logs: Logs = { members: 1, classes: 3, labels, logs: Float64Array.from(logits.flat()) }

it('finds the golden temperature', () => {
  expect(nllAt(logs, 1)).toBeCloseTo(0.7141014615, 9)
  expect(fitTemperature(logs)).toBeCloseTo(0.9132745, 6)
  expect(nllAt(logs, fitTemperature(logs))).toBeCloseTo(0.7122082286, 9)
})

it('two logits (4, 0), right in four of five: T = 4/log 4', () => {
  const pairs: Logs = { members: 1, classes: 2, labels: [0, 0, 0, 0, 1], logs: Float64Array.from([4, 0, 4, 0, 4, 0, 4, 0, 4, 0]) }
  expect(fitTemperature(pairs)).toBeCloseTo(2.8853900818, 6)
})

type Classes = Extract<Prediction, { kind: 'categorical' }>

/** A posterior that says what is written in its inputs. */
const inner: Posterior = {
  predict: ({ x }) => Promise.resolve({ kind: 'categorical', probabilities: x! }),
  save: () => ({ kind: 'written', values: { w: value([1]) }, meta: { a: 1 } }),
}
const after: Inference = { infer: () => Promise.resolve(inner), restore: (saved) => ({ ...inner, save: () => saved }) }
const x = value(logits.flatMap(softmax), [5, 3])
const y = value(labels, [5], 'int32')
const problem = {
  dataset: inMemory({ train: { x, y }, validation: { x, y }, bare: { x } }, { classes: ['a', 'b', 'c'] }),
} as unknown as Problem
const scaled = (options: object, of = after): Inference =>
  temperatureScaled({ ...temperatureOptions.parse(options), after: of }, { engine })

it('predicts softmax(logits / T), decisions as before, and comes back from what it saved', async () => {
  const { run, events } = testRun(engine)
  const posterior = await scaled({}).infer(problem, run)
  const { probabilities } = (await posterior.predict({ x })) as Classes
  const wanted = logits.flatMap((row) => softmax(row.map((v) => v / 0.9132745)))
  expect(Array.from(probabilities.data)).toEqual(wanted.map((p) => expect.closeTo(p, 5)))
  expect(events.find((e) => e.type === 'evaluation')).toMatchObject({
    name: 'temperature',
    values: { temperature: expect.closeTo(0.91327, 4) as number },
  })
  const saved = posterior.save()
  const again = await scaled({}).restore(JSON.parse(JSON.stringify({ ...saved, values: {} })) as typeof saved, problem)
  expect(await again.predict({ x })).toEqual(await posterior.predict({ x }))
  expect(again.save().meta).toEqual(saved.meta)
})

it('one temperature for all members, by the likelihood of their mixture', async () => {
  const flip = (v: Value): Value => ({ ...v, data: v.data.map((_, i) => v.data[i - (i % 3) + ((i + 1) % 3)]!) })
  const mixed: Posterior = {
    ...inner,
    predict: ({ x: p }) => {
      const other = flip(p!)
      const members = { ...p!, shape: [2, ...p!.shape], data: Float32Array.from([...p!.data, ...other.data]) }
      return Promise.resolve({
        kind: 'categorical',
        probabilities: value(
          Array.from(p!.data, (v, i) => (v + other.data[i]!) / 2),
          p!.shape,
        ),
        members,
      })
    },
  }
  const posterior = (await scaled({}, { ...after, infer: () => Promise.resolve(mixed) }).infer(
    problem,
    testRun(engine).run,
  )) as Posterior & { temperature: number }
  const { probabilities, members } = (await posterior.predict({ x })) as Classes
  const nll = (at: Value): number => labels.reduce((s, label, i) => s - Math.log(at.data[3 * i + label]!) / 5, 0)
  expect(members!.shape).toEqual([2, 5, 3])
  const two: Logs = { members: 2, classes: 3, labels, logs: Float64Array.from([...x.data, ...flip(x).data], Math.log) }
  expect(nll(probabilities)).toBeCloseTo(nllAt(two, posterior.temperature), 5)
  for (const factor of [0.9, 1.1]) expect(nllAt(two, posterior.temperature * factor)).toBeGreaterThan(nllAt(two, posterior.temperature))
})

it('asks for labelled, held-out examples, and for classes', async () => {
  const infer = (options: object, of = after): Promise<Posterior> => scaled(options, of).infer(problem, testRun(engine).run)
  await expect(infer({ split: 'none' })).rejects.toThrow('OCK-EVAL-001')
  await expect(infer({ split: 'bare' })).rejects.toThrow('OCK-TEMPERATURE-002')
  const numbers: Posterior = { ...inner, predict: ({ x: p }) => Promise.resolve({ kind: 'normal', mean: p!, variance: p! }) }
  await expect(infer({}, { ...after, infer: () => Promise.resolve(numbers) })).rejects.toThrow('OCK-TEMPERATURE-001')
})
