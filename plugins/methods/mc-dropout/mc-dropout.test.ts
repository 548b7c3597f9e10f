import { hostKey, type Engine, type Model, type Problem, type Value, type Values, type Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { cnn, cnnOptions, mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { predictor, value, zeros } from '../../parts/training/index.js'
import { dropping, mcDropout, mcDropoutOptions } from './index.js'

// A hidden layer that passes positive inputs on, and the head w = (0.5, −1, 2), b = 0.1: at x = (1, 2, 0.5) the mean is −0.4.
const params: Values = {
  'layer0.kernel': value([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3]),
  'layer0.bias': zeros([3]),
  'head.kernel': value([0.5, -1, 2], [3, 1]),
  'head.bias': value([0.1]),
}
const vars: Variables<Value> = { params, frozen: {}, state: {} }
const many = (n: number): Values => ({
  x: value(
    Array.from({ length: 3 * n }, (_, i) => [1, 2, 0.5][i % 3]!),
    [n, 3],
  ),
})
const problem: Problem = {
  model: mlp(mlpOptions.parse({ hidden: [3] })),
  dataset: inMemory({ train: { ...many(4), y: value([1, 2, 3, 4], [4, 1]) } }),
  objective: gaussian({ noise: 0.2 }),
  prior: normal({ scale: 1 }),
  examples: 4,
}
const options = (given: object) => mcDropoutOptions.parse(given) as Parameters<typeof mcDropout>[0]
const moments = (data: ArrayLike<number>): [number, number] => {
  const all = Array.from(data)
  const mean = all.reduce((a, b) => a + b, 0) / all.length
  return [mean, all.reduce((s, v) => s + (v - mean) ** 2, 0) / all.length]
}

describe.each(Object.entries(engines))('mc-dropout on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const restored = (given: object, of = problem) =>
    mcDropout(options(given), { engine }).restore({ kind: 'weights', values: { ...vars.params, ...prefixed }, meta: null }, of)
  const prefixed = Object.fromEntries(Object.entries(params).map(([name, v]) => [`params.${name}`, v]))

  it.each([
    [0.1, 0.5833333333],
    [0.5, 5.25],
  ])('outputs at rate %f have the mean and the variance of their enumeration', async (rate, variance) => {
    const posterior = await restored({ rate, samples: 8 })
    const { members } = await posterior.predict(many(1000), { key: hostKey(3) })
    const [mean, spread] = moments(members!.data)
    // Four standard errors of 8,000 draws.
    expect(Math.abs(mean + 0.4)).toBeLessThan(4 * Math.sqrt(variance / 8000))
    expect(Math.abs(spread / variance - 1)).toBeLessThan(0.12)
    if (rate !== 0.5) return
    const outputs = new Set(Array.from(members!.data, (v) => v.toFixed(4)))
    expect([...outputs].map(Number).sort((a, b) => a - b)).toEqual([-3.9, -2.9, -1.9, -0.9, 0.1, 1.1, 2.1, 3.1])
  })

  it('variance is that of the members and the noise; without a key always the same', async () => {
    const posterior = await restored({ rate: 0.5, samples: 5 })
    const prediction = await posterior.predict(many(2))
    if (prediction.kind !== 'normal') throw new Error('a regression predicts normals')
    const [, spread] = moments([0, 1, 2, 3, 4].map((s) => prediction.members!.data[2 * s]!))
    expect(prediction.variance.data[0]).toBeCloseTo(spread + 0.04, 4)
    expect(await posterior.predict(many(2))).toEqual(prediction)
    expect((await posterior.predict(many(2), { samples: 3, key: hostKey(1) })).members!.shape).toEqual([3, 2, 1])
  })

  it('drops whole channels of images, and no input', async () => {
    const model = dropping(cnn(cnnOptions.parse({ channels: [2, 2], hidden: [2] })), { rate: 0.5, inputs: false }, true)
    const meta = {
      ...problem.dataset.meta,
      shapes: { x: { shape: [8, 8, 1], dtype: 'float32' as const }, y: { shape: [1], dtype: 'float32' as const } },
    }
    const weights = await model.init(hostKey(0), meta)
    const seen: Record<string, Tensor> = {}
    const spied: Model = {
      ...model,
      apply: (v, x, call) => model.apply(v, x, { ...call, at: (point, h) => (seen[point] = call.at(point, h)) }),
    }
    const program = engine.compile(
      (a: { x: Tensor; vars: Readonly<Record<string, Tensor>>; key: Parameters<Model['apply']>[2]['key'] }) => {
        spied.apply({ params: a.vars, frozen: {}, state: {} }, a.x, { train: false, key: a.key, at: (__, h) => h, next: () => undefined })
        return { first: seen['conv0.in']!.add(0), second: seen['conv1.in']!.add(0) }
      },
    )
    const x = value(
      Array.from({ length: 64 * 50 }, () => 1),
      [50, 8, 8, 1],
    )
    const { first, second } = await program({ x, vars: { ...weights.params, 'conv0.bias': value([1, 1]) }, key: hostKey(2) })
    expect(Array.from(first.data)).toEqual(Array.from(x.data))
    let dropped = 0
    for (let i = 0; i < 50; i++)
      for (let c = 0; c < 2; c++) {
        const channel = Array.from({ length: 16 }, (__, p) => second.data[(i * 16 + p) * 2 + c]!)
        if (channel.every((v) => v === 0)) dropped++
        else expect(channel.some((v) => v > 0)).toBe(true)
      }
    expect(dropped).toBeGreaterThan(25)
    expect(dropped).toBeLessThan(85)
  })

  it('keeps to running statistics while it predicts, and to the model without dropout elsewhere', async () => {
    const calls: [boolean, string | undefined][] = []
    const model: Model = {
      ...problem.model,
      init: () => vars,
      apply(v, x, call) {
        calls.push([call.train, call.statistics])
        return (x as Tensor).matMul(v.params['head.kernel'] as Tensor).add(tf.scalar(0))
      },
    }
    await (await restored({ samples: 1 }, { ...problem, model })).predict(many(1))
    expect(calls.every(([train, statistics]) => train && statistics === 'running')).toBe(true)
    const still = dropping(problem.model as Model, { rate: 0.5, inputs: true })
    const { mean } = (await predictor({ ...problem, model: still }, engine)(vars, many(1))) as { mean: Value }
    expect(mean.data[0]).toBeCloseTo(-0.4, 6)
  })

  it('trains by whatever it is given, with masks', async () => {
    const { run } = testRun(engine)
    const posterior = await mcDropout(options({ steps: 20, batchSize: 4, samples: 4, rate: 0.3 }), { engine }).infer(problem, run)
    const other = await mcDropout(options({ steps: 20, batchSize: 4, samples: 4, rate: 0.6 }), { engine }).infer(
      problem,
      testRun(engine).run,
    )
    expect(posterior.save().values['params.head.kernel']).not.toEqual(other.save().values['params.head.kernel'])
    const kept = await mcDropout(options({ after: { infer: () => Promise.resolve(posterior), restore: () => posterior } }), {
      engine,
    }).infer(problem, run)
    expect(kept.save().values).toEqual(posterior.save().values)
  })
})
