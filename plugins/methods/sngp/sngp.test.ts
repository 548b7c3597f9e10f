import { hostKey, type Engine, type Key, type Value, type Variables } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bind, mlp, mlpOptions } from '../../parts/networks/index.js'
import { svd } from '../../parts/linalg/index.js'
import { value, zeros } from '../../parts/training/index.js'
import { engines, inMemory } from '../../parts/training/testing.js'
import { sngp, sngpOptions, type SngpOptions } from './index.js'

const optionsOf = (given: object): SngpOptions => sngpOptions.omit({ of: true }).parse(given)

describe.each(Object.entries(engines))('sngp on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  const regression = (rows: number, inputs: number) =>
    inMemory({ train: { x: hostKey(1).normal([rows, inputs]), y: hostKey(2).normal([rows, 1]) } })

  /** A compiled pass: output of the first layer, and the state that it leaves. */
  function passes(options: SngpOptions, train: boolean) {
    const model = sngp(mlp(mlpOptions.parse({ hidden: [6, 5], activation: 'tanh' })), options)
    const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => {
      const net = bind(model, a.vars, a.key, train)
      return { out: net.points(a.x, ['layer0.out'])['layer0.out']!, state: net.state() }
    })
    return { model, run: (vars: Variables<Value>, x: Value) => program({ vars, x, key: hostKey(0) }), dispose: () => program.dispose() }
  }

  it('products of features are the squared exponential kernel, to 1/√D', async () => {
    const options = optionsOf({ features: 4096, lengthScale: 1.5, bound: 1e6 })
    const model = sngp(mlp(mlpOptions.parse({ hidden: [] })), options)
    const vars = await model.init(hostKey(3), regression(2, 3).meta)
    const x = hostKey(4).normal([5, 3])
    const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => {
      const net = bind(model, a.vars, a.key, false)
      return net.points(a.x, ['head.in'])
    })
    const { data } = (await program({ vars, x, key: hostKey(0) }))['head.in']!
    program.dispose()
    for (let i = 0; i < 5; i++)
      for (let j = 0; j <= i; j++) {
        let [product, apart] = [0, 0]
        for (let k = 0; k < 4096; k++) product += data[i * 4096 + k]! * data[j * 4096 + k]!
        for (let k = 0; k < 3; k++) apart += (x.data[i * 3 + k]! - x.data[j * 3 + k]!) ** 2
        expect(Math.abs(product - Math.exp(-apart / (2 * 1.5 ** 2)))).toBeLessThan(4 / Math.sqrt(4096))
      }
  })

  it('hidden kernels come to the bound, and those below it stay', async () => {
    const meta = regression(2, 4).meta
    for (const bound of [0.5, 50]) {
      const options = optionsOf({ features: 8, bound })
      const [training, predicting] = [passes(options, true), passes(options, false)]
      let vars = await training.model.init(hostKey(5), meta)
      // Power iteration, a step a training pass.
      for (let i = 0; i < 60; i++) vars = { ...vars, state: (await training.run(vars, zeros([1, 4]))).state }
      const kernel = vars.params['layer0.kernel']!
      const sigma = svd(kernel).s.data[0]!
      const { out } = await predicting.run(vars, value([1, 0, 0, 0], [1, 4]))
      const factor = Math.max(1, sigma / bound)
      for (let j = 0; j < 6; j++) expect(out.data[j]).toBeCloseTo(kernel.data[j]! / factor, 4)
      training.dispose()
      predicting.dispose()
    }
  })

  it('the derivative of a bounded kernel is that of differences', async () => {
    const options = optionsOf({ features: 8, bound: 0.5 })
    const model = sngp(mlp(mlpOptions.parse({ hidden: [6], activation: 'tanh' })), options)
    const vars = await model.init(hostKey(6), regression(2, 4).meta)
    const x = hostKey(7).normal([3, 4])
    const program = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) =>
      engine.valueAndGrad(
        (params) => ({
          value: bind(
            model,
            { ...a.vars, params },
            a.key,
            false,
          )(a.x)
            .square()
            .sum()
            .asScalar(),
          aux: {},
        }),
        a.vars.params,
      ),
    )
    const at = (v: Variables<Value>) => program({ vars: v, x, key: hostKey(0) })
    const gradient = (await at(vars)).grads['layer0.kernel']!
    const kernel = vars.params['layer0.kernel']!
    const along = hostKey(8).normal(kernel.shape).data
    const moved = async (h: number): Promise<number> => {
      const data = Float32Array.from(kernel.data, (w: number, i) => w + h * along[i]!)
      return (await at({ ...vars, params: { ...vars.params, 'layer0.kernel': { ...kernel, data } } })).value.data[0]!
    }
    const difference = ((await moved(1e-2)) - (await moved(-1e-2))) / 2e-2
    const slope = Array.from(gradient.data as ArrayLike<number>).reduce((sum, g, i) => sum + g * along[i]!, 0)
    program.dispose()
    expect(Math.abs(slope - difference)).toBeLessThan(2e-2 * Math.max(1, Math.abs(difference)))
  })
})
