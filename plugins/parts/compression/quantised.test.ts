import { hostKey, type Dataset, type Engine, type Model, type Optimizer, type Posterior, type Problem, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partsOf } from '../datasets/index.js'
import { mlp, mlpOptions, resnet, resnetOptions } from '../networks/index.js'
import { crossEntropy } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { adam, adamOptions, mapOptions, maximumAPosteriori, sgd, sgdOptions, value } from '../training/index.js'
import { engines, inMemory, testRun } from '../training/testing.js'
import { kronecker, quantised, quantisedOptions, subspace } from './index.js'

const key = hostKey(137)

describe.each(Object.entries(engines))('quantised on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  const points = (n: number, stream: string): Values => {
    const x = key.fold(stream).normal([n, 6])
    return {
      x,
      y: value(
        Array.from({ length: n }, (_, i) => (x.data[6 * i]! > 0 ? 1 : 0)),
        [n],
        'int32',
      ),
    }
  }
  const dataset = inMemory({ train: points(120, 'train'), test: points(40, 'test') }, { classes: ['a', 'b'] })
  /** The same examples, the labels of some of them turned round. */
  const turnedAt = (rows: Int32Array): Dataset => {
    const train = points(120, 'train')
    const data = Int32Array.from(train['y']!.data, (label: number, i: number) => (rows.includes(i) ? 1 - label : label))
    return inMemory({ train: { ...train, y: { ...train['y']!, data } }, test: points(40, 'test') }, { classes: ['a', 'b'] })
  }
  const by = (o: object, optimizer: Optimizer) =>
    maximumAPosteriori({ ...mapOptions.parse({ batchSize: 30, ...o }), optimizer } as never, { engine })
  const problem = (model: Model): Problem => ({ dataset, model, objective: crossEntropy(), prior: flat(), examples: 120 })
  const inference = (o: object = {}) => {
    const after = by({ epochs: 10 }, adam(adamOptions.parse({ learningRate: 0.1 })))
    return quantised(
      { after, levels: 5, quantiser: 'kmeans', epochs: 2, batchSize: 30, schedule: 'cosine', state: 'refuse', ...o } as never,
      { engine },
    )
  }

  it('is rebuilt by its message, from the problem and the key alone', async () => {
    const model = subspace({ of: mlp(mlpOptions.parse({ hidden: [16] })), dim: 40, projector: kronecker(), state: 'learn' })
    const asked = problem(model)
    const learnt = await inference().infer(asked, testRun(engine, { seed: 3 }).run)
    const x = { x: key.fold('new').normal([9, 6]) }
    const said = async (p: typeof learnt) => {
      const prediction = await p.predict(x)
      return prediction.kind === 'categorical' ? Array.from(prediction.probabilities.data) : []
    }
    const { message } = learnt
    expect(message!.bits).toBeLessThanOrEqual(8 * message!.bytes.length)
    expect(new Set(learnt.weights!.point().params['w']!.data).size).toBeLessThanOrEqual(5)
    const elsewhere = await inference().decode(message!.bytes, asked, testRun(engine, { seed: 3 }).run)
    expect(await said(elsewhere)).toEqual(await said(learnt))
    expect(elsewhere.message!.side).toEqual(message!.side)
    const restored = await inference().restore(learnt.save(), asked)
    expect(await said(restored)).toEqual(await said(learnt))
    expect(restored.message!.bytes).toEqual(message!.bytes)
    expect((await inference().decode(message!.bytes, asked, testRun(engine, { seed: 4 }).run)).message!.side).not.toEqual(message!.side)
  })

  it('starts where its share of the examples leads, and is about the others', async () => {
    const model = subspace({ of: mlp(mlpOptions.parse({ hidden: [16] })), dim: 40, projector: kronecker(), state: 'learn' })
    const asked = problem(model)
    const learn = (o: object, p: Problem = asked) => inference(o).infer(p, testRun(engine, { seed: 3 }).run)
    const wrong = async (p: Posterior) => {
      const { x, y } = await dataset.read('train', value([...Array(120).keys()], [120], 'int32'))
      const prediction = await p.predict({ x: x! })
      const said = prediction.kind === 'categorical' ? prediction.probabilities.data : []
      return Array.from(y!.data).filter((label, i) => (said[2 * i + 1]! > 0.5 ? 1 : 0) !== label).length
    }
    const share = { share: 0.25, splitSeed: 1 }
    const learnt = await learn(share)
    const { rows, bytes, side } = learnt.message!
    expect(Array.from(rows!)).toEqual(Array.from(partsOf(120, 0.25, 1).bound))
    // Without a step of its own, the message says that w is about 0: what classifies is the start.
    const still = { ...share, epochs: 0, after: by({ steps: 1 }, sgd(sgdOptions.parse({ learningRate: 1e-9 }))) }
    expect(await wrong(await learn({ ...still, prior: by({ epochs: 60 }, adam(adamOptions.parse({ learningRate: 0.05 }))) }))).toBeLessThan(
      18,
    )
    // The other rows do not move the start: with their labels turned round, encoder and decoder still agree on it.
    const turned = turnedAt(rows!)
    expect((await learn(share, { ...asked, dataset: turned })).message!.side).toEqual(side)
    const elsewhere = await inference(share).decode(bytes, asked, testRun(engine, { seed: 3 }).run)
    expect(elsewhere.message!.side).toEqual(side)
    expect((await inference(share).restore(learnt.save(), asked)).message!.rows).toEqual(rows)
    await expect(learn(share, problem(mlp(mlpOptions.parse({ hidden: [4] }))))).rejects.toThrow(/OCK-CODE-008/)
    expect(() => quantisedOptions.parse({ after: 'map', prior: 'map' })).toThrow(/which share/)
  })

  it('refuses running statistics unless they are coded or frozen', async () => {
    const images = (of: Values): Values => ({ ...of, x: { ...of['x']!, shape: [of['x']!.shape[0]!, 2, 3, 1] } })
    const pictures = inMemory({ train: images(points(60, 'train')), test: images(points(20, 'test')) }, { classes: ['a', 'b'] })
    const of = resnet(resnetOptions.parse({ depth: 20, width: 1 }))
    const inside = (state: 'learn' | 'freeze') => ({
      ...problem(subspace({ of, dim: 16, projector: kronecker(), state })),
      dataset: pictures,
      examples: 60,
    })
    const { run } = testRun(engine)
    await expect(inference().infer(inside('learn'), run)).rejects.toThrow(/OCK-CODE-005.*state: freeze/)
    const bits = async (state: 'learn' | 'freeze', o: object) =>
      (await inference(o).infer(inside(state), testRun(engine).run)).message!.lengths!['corrected']!
    expect((await bits('learn', { state: 'code' }))['state']).toBeGreaterThan(16)
    expect((await bits('freeze', {}))['state']).toBeUndefined()
  })
})
