/* Densities of fixed features against closed forms, the exact prior over functions, and the brief's golden numbers. */
import type { Engine, Prior, Problem, Tensors, Value } from 'ockham'
import { hostKey } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gaussian } from '../../parts/objectives/index.js'
import { descend, sgd, value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { coordinates, coordinatesOptions } from './coordinates.js'
import { features, featuresOptions, type Elementwise } from './features.js'
import { fourier, fourierOptions } from './fourier.js'
import { fsMap, fsMapOptions, type FsMapOptions } from './fs-map.js'
import { energyOf, problemOf } from './testing.js'

const made = (given: object): Elementwise => features(featuresOptions.parse(given))
const over = (model: Elementwise, given: object): Prior => coordinates(coordinatesOptions.parse(given), { model })
const column = (x: readonly number[]): Value => value(x, [x.length, 1])
const even = (n: number): Value => column(Array.from({ length: n }, (_, i) => (2 * i) / (n - 1) - 1))

/** f = (exp w₁ e^(−(x + ½)²/0.03) + exp w₂ e^(−(x − ½)²/0.03)) / √2 */
const mixture = made({ basis: 'bumps', count: 2, low: -0.5, high: 0.5, width: Math.sqrt(0.015), transform: 'exp' })

describe('features and coordinates', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await engines['onnxruntime']!()
  })
  afterAll(() => engine.dispose())

  const at = async (model: Elementwise, given: object, theta: readonly number[]) => {
    const { energy, grads } = await energyOf(engine, problemOf(model, over(model, given), column([0])))({ theta: value(theta) })
    return { energy, gradient: Array.from(grads['theta']!.data) }
  }

  it('differ between two weights as the exact density of functions does', async () => {
    const exact = fsMap(fsMapOptions.parse({ epsilon: 1e-7, priorVar: 1.44 }) as FsMapOptions)
    const program = energyOf(engine, problemOf(mixture, exact, even(2001)), 'float64')
    const there = async (theta: readonly number[]) => (await program({ theta: value(theta) })).energy
    // ½ log det G with the features' own part, at w = 0.
    expect(await there([0, 0])).toBeCloseTo(-2.913787, 2)
    const closed = { of: 'functions', scale: 1.2 }
    const [a, b] = [
      [0.4, -0.9],
      [-0.2, 0.7],
    ] as const
    const difference = (await at(mixture, closed, a)).energy - (await at(mixture, closed, b)).energy
    expect((await there(a)) - (await there(b))).toBeCloseTo(difference, 4)
  })

  it('tanh: log sech² and its slope, also where float32 has no digits of 1 − tanh² left', async () => {
    const model = made({ count: 2, transform: 'tanh' })
    const { energy, gradient } = await at(model, { scale: 10 }, [0.5, -40])
    expect(energy).toBeCloseTo((0.25 + 1600) / 200 + Math.log(1 - Math.tanh(0.5) ** 2) + 2 * Math.LN2 - 80, 4)
    expect(gradient).toEqual([expect.closeTo(0.005 - 2 * Math.tanh(0.5), 5), expect.closeTo(-0.4 + 2, 5)])
  })

  it('reciprocals: −2 log |θ|; weights: the normal energy alone', async () => {
    const model = made({ count: 2 })
    const reciprocal = await at(model, { of: 'reciprocals', scale: 2 }, [3, -0.5])
    expect(reciprocal.energy).toBeCloseTo(9.25 / 8 - 2 * Math.log(1.5), 5)
    expect(reciprocal.gradient).toEqual([expect.closeTo(3 / 4 - 2 / 3, 5), expect.closeTo(-0.125 + 4, 5)])
    expect((await at(model, { of: 'weights', scale: 2 }, [3, -0.5])).energy).toBeCloseTo(9.25 / 8, 5)
    // Linear in θ: the density of the function is that of the weights.
    expect((await at(model, { of: 'functions', scale: 2 }, [3, -0.5])).energy).toBeCloseTo(9.25 / 8, 5)
  })

  const places = [-0.65, -0.6, -0.55, -0.5, -0.45, -0.4, -0.35, 0.7]
  const heights = [0.5223665527, 0.6665313106, 0.9500444146, 0.98, 0.9600444146, 0.6865313106, 0.4923665527, 0.1]
  it.each([
    ['weights', [0.350818, -0.413358]],
    ['functions', [0.348432, -1.100732]],
  ] as const)('T8: the mode of the mixture of bumps over %s', async (of, mode) => {
    const dataset = inMemory({ train: { x: column(places), y: column(heights) } })
    const prior = over(mixture, { of, scale: 1.2 })
    const problem: Problem = { model: mixture, dataset, objective: gaussian({ noise: 0.1 }), prior, examples: 8 }
    const { vars } = await descend(problem, testRun(engine).run, {
      optimizer: sgd({ learningRate: 0.01, momentum: 0.9, nesterov: false }),
      steps: 800,
      size: 8,
    })
    expect(Array.from(vars.params['theta']!.data)).toEqual(mode.map((w) => expect.closeTo(w, 4)))
  })

  it('fourier: test is the function of the drawn weights, train the same with noise', async () => {
    const options = fourierOptions.parse({ n: 4000, noise: 0.3, pairs: 6, scale: 0.7, amplitude: 2, test: 11, seed: 5 })
    const dataset = fourier(options)
    const model = made({ count: 12, transform: 'tanh' })
    const drawn = hostKey(5).fold('fourier').fold('theta').normal([12])
    const theta = value(Array.from(drawn.data, (t) => 0.7 * t))
    const program = engine.compile((a: { vars: { params: Tensors; frozen: Tensors; state: Tensors }; x: Tensor }) => ({
      f: model.apply(a.vars, a.x, {} as Parameters<typeof model.apply>[2]),
    }))
    const read = async (split: string, n: number) =>
      dataset.read(
        split,
        value(
          Array.from({ length: n }, (_, i) => i),
          [n],
          'int32',
        ),
      )
    const predicted = async (x: Value) => Array.from((await program({ vars: { params: { theta }, frozen: {}, state: {} }, x })).f.data)
    const test = await read('test', 11)
    expect(test['x']!.data[5]).toBeCloseTo(0, 6)
    const clean = await predicted(test['x']!)
    clean.forEach((f, i) => expect(2 * f).toBeCloseTo(test['y']!.data[i]!, 5))
    const train = await read('train', 4000)
    const errors = (await predicted(train['x']!)).map((f, i) => train['y']!.data[i]! - 2 * f)
    const [mean, square] = [errors, errors.map((e) => e * e)].map((all) => all.reduce((a, b) => a + b, 0) / 4000)
    // Four standard errors.
    expect(Math.abs(mean!)).toBeLessThan((4 * 0.3) / Math.sqrt(4000))
    expect(Math.abs(square! - 0.09)).toBeLessThan((4 * 0.09 * Math.SQRT2) / Math.sqrt(4000))
    program.dispose()
  })

  it('are of one number, and sines come with cosines', () => {
    const { meta } = inMemory({ train: { x: value([1, 2], [1, 2]), y: column([1]) } })
    expect(() => made({}).init(hostKey(0), meta)).toThrow(expect.objectContaining({ code: 'OCK-LMAP-001' }))
    expect(featuresOptions.safeParse({ count: 3 }).success).toBe(false)
    expect(featuresOptions.safeParse({ basis: 'bumps', count: 3 }).success).toBe(true)
  })
})
