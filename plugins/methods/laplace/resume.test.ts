import { hostKey, memoryStore, PlacedRun, type Engine, type Problem } from 'ockham'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { given, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { laplace } from './laplace.js'
import { laplaceOptions, type LaplaceOptions } from './options.js'
import { structures } from './structure.js'
import { at } from './testing.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

const rows = 60

/** A problem whose dataset calls `seen` each time that it is read. */
async function problemOf(seen: () => void = () => undefined): Promise<Problem> {
  const model = mlp(mlpOptions.parse({ hidden: [4], activation: 'tanh' }))
  const y = value(
    Int32Array.from({ length: rows }, (_, i) => i % 3),
    [rows],
    'int32',
  )
  const dataset = inMemory({ train: { x: hostKey(1).normal([rows, 2]), y } }, { classes: ['a', 'b', 'c'] })
  const watched: Problem['dataset'] = {
    ...dataset,
    read(...asked) {
      seen()
      return dataset.read(...asked)
    },
  }
  const problem = { model, dataset: watched, objective: crossEntropy(), prior: normal({ scale: 1 }), examples: rows }
  return at(problem, (await model.init(hostKey(2), dataset.meta)).params, engine)
}

it.each(structures)('%s: killed in the pass over the data and resumed, the same bytes', async (structure) => {
  const options = {
    ...laplaceOptions.parse({ structure, subset: 'all', size: 2, rank: 4 }),
    after: given({}, { engine }),
  } as LaplaceOptions
  const inference = laplace(options, { engine })
  const whole = (await inference.infer(await problemOf(), testRun(engine).run)).save()
  const store = memoryStore()
  const stop = new AbortController()
  let [reads, checkpoints] = [0, 0]
  const run = new PlacedRun({
    key: hostKey(0),
    engine,
    signal: stop.signal,
    store,
    path: [],
    timings: {},
    record: ({ type }) => void (type === 'checkpoint' && checkpoints++),
  })
  const watched = await problemOf(() => void (++reads === 12 && stop.abort()))
  await expect(inference.infer(watched, run)).rejects.toThrow('interrupted')
  // One at the start, one where it was stopped.
  expect(checkpoints).toBe(2)
  const { run: again, events } = testRun(engine, { store })
  const resumed = (await inference.infer(await problemOf(), again)).save()
  expect(events.filter((e) => e.type === 'resumed')).toHaveLength(1)
  expect(resumed).toEqual(whole)
})
