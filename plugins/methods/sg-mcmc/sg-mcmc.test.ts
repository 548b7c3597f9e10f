import { hostKey, type Engine, type Key, type Optimizer, type Problem, type Tensors, type Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effectiveSize } from '../../parts/chains/index.js'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { baoa, cyclicalFactor, keptSteps, psgld, quietly, sghmc, sgld, sgMcmc, sgMcmcOptions } from './index.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['interpreter']!()
})
afterAll(() => engine.dispose())

/** A key whose normal numbers are given. */
const fixed = (xi: Tensor): Key => ({ fold: () => fixed(xi), normal: () => xi }) as unknown as Key

/** One step on U = λ/2 (θ − c)², N = 1: new θ and what is remembered, from θ, memory, noise and an error of the gradient. */
async function stepOf(
  optimizer: Optimizer,
  lambda: number,
  centre: number,
  theta: number,
  memory: number | undefined,
  xi: number,
  error = 0,
): Promise<[number, number]> {
  const program = engine.compile((a: { theta: Tensor; memory: Tensor; xi: Tensor; error: Tensor }) => {
    const { params, memory: next } = optimizer.update({
      params: { w: a.theta },
      memory: memory === undefined ? {} : { w: a.memory },
      gradient: (p: Tensors) => ({ w: p['w']!.sub(centre).mul(lambda).add(a.error) }),
      key: fixed(a.xi),
      step: tf.scalar(0),
      rate: tf.scalar(1),
      examples: 1,
    })
    return { theta: params['w']!, memory: next['w'] ?? a.memory }
  })
  const one = (x: number): Value => value([x], [1])
  const { theta: t, memory: m } = await program({ theta: one(theta), memory: one(memory ?? 0), xi: one(xi), error: one(error) })
  program.dispose()
  return [t.data[0]!, m.data[0]!]
}

/** Stationary variance of θ: the step is affine in (θ, v, ξ), and its covariance is iterated to the end. */
async function stationary(optimizer: Optimizer, momentum: boolean, lambda = 4): Promise<number> {
  const at = (theta: number, v: number, xi: number) => stepOf(optimizer, lambda, 0, theta, momentum ? v : undefined, xi)
  const [a, b, n] = [await at(1, 0, 0), await at(0, 1, 0), await at(0, 0, 1)]
  let [p, q, r] = [0, 0, 0]
  for (let i = 0; i < 20_000; i++) {
    const [m00, m01, m10, m11] = momentum ? [a[0], b[0], a[1], b[1]] : [a[0], 0, 0, 0]
    const [n0, n1] = momentum ? n : [n[0], 0]
    ;[p, q, r] = [
      m00 * m00 * p + 2 * m00 * m01 * q + m01 * m01 * r + n0 * n0,
      m00 * m10 * p + (m00 * m11 + m01 * m10) * q + m01 * m11 * r + n0 * n1,
      m10 * m10 * p + 2 * m10 * m11 * q + m11 * m11 * r + n1 * n1,
    ]
  }
  return p
}

describe('dynamics on N(1, 1/4): brief section 3.3', () => {
  it.each([
    [0.01, 0.2551020408],
    [0.1, 0.3125],
    [0.3, 0.625],
  ])('SGLD with step %f', async (learningRate, wanted) => {
    expect(await stationary(sgld({ learningRate, temperature: 1, gradientNoise: 0 }), false)).toBeCloseTo(wanted, 4)
  })

  it('one step of SGLD', async () => {
    const [theta] = await stepOf(sgld({ learningRate: 0.1, temperature: 1, gradientNoise: 0 }), 4, 1, 0, undefined, 0.3)
    expect(theta).toBeCloseTo(0.5341640787, 6)
  })

  it('SGLD takes the noise of gradients off its own', async () => {
    const [[, noise], none] = await Promise.all([
      stepOf(sgld({ learningRate: 0.1, temperature: 1, gradientNoise: 5 }), 4, 0, 0, undefined, 1).then(([t]) => [0, t] as const),
      stepOf(sgld({ learningRate: 0.1, temperature: 1, gradientNoise: 0 }), 4, 0, 0, undefined, 1).then(([t]) => t),
    ])
    expect(noise ** 2).toBeCloseTo(0.1 * (2 - 0.1 * 5), 5)
    expect(none ** 2).toBeCloseTo(0.2, 5)
  })

  it('SGLD whose gradients have an error of variance 5, and what taking it off gives', async () => {
    const varianceOf = async (gradientNoise: number): Promise<number> => {
      const optimizer = sgld({ learningRate: 0.1, temperature: 1, gradientNoise })
      const of = async (...at: [number, number, number]): Promise<number> =>
        (await stepOf(optimizer, 4, 0, at[0], undefined, at[1], at[2]))[0]
      const [kept, own, error] = [await of(1, 0, 0), await of(0, 1, 0), await of(0, 0, 1)]
      return (own ** 2 + 5 * error ** 2) / (1 - kept ** 2)
    }
    expect(await varianceOf(0)).toBeCloseTo(0.390625, 5)
    expect(await varianceOf(5)).toBeCloseTo(0.3125, 5)
  })

  it.each([
    [0.01, 1, 0.2500251282],
    [0.05, 1, 0.2506426735],
    [0.1, 2, 0.2528089888],
  ])('SGHMC, the velocity first: e = %f, α = %f', async (e, alpha, wanted) => {
    const optimizer = sghmc({ learningRate: e * e, temperature: 1, momentumDecay: e * alpha })
    expect(Math.abs((await stationary(optimizer, true)) - wanted)).toBeLessThan(2e-4)
  })

  it('SGHMC in momentum form', async () => {
    expect(await stationary(sghmc({ learningRate: 0.1, temperature: 1, momentumDecay: 0.1 }), true)).toBeCloseTo(0.2794117647, 4)
    // θ ← θ + √e m with decay 0.9 and e = 0.01 is this form with h = e.
    expect(await stationary(sghmc({ learningRate: 0.01, temperature: 1, momentumDecay: 0.1 }), true)).toBeCloseTo(0.2526595745, 4)
  })

  it.each([
    [0.01, 1],
    [0.05, 1],
    [0.1, 2],
  ])('BAOA is exact: e = %f, α = %f', async (e, alpha) => {
    const optimizer = baoa({ learningRate: e * e, temperature: 1, momentumDecay: 1 - Math.exp(-alpha * e) })
    expect(Math.abs((await stationary(optimizer, true)) - 0.25)).toBeLessThan(1e-4)
  })

  it('pSGLD', async () => {
    const optimizer = psgld({ learningRate: 0.01, temperature: 1, decay: 0.99, epsilon: 1e-5 })
    let [theta, memory] = [0.5, 0]
    const wanted = [0.6316169863, 0.5267848415, 0.6378077869]
    for (const [i, [ascent, xi]] of (
      [
        [2, 0.1],
        [-1, -0.2],
        [0.5, 0.3],
      ] as const
    ).entries()) {
      // A gradient of −ascent wherever θ is: λ (θ − c) with λ = 1 and c = θ + ascent.
      ;[theta, memory] = await stepOf(optimizer, 1, theta + ascent, theta, memory, xi)
      expect(theta).toBeCloseTo(wanted[i]!, 4)
    }
  })
})

describe('cycles', () => {
  it('the learning rate: brief section 3.3', () => {
    const rates = [1, 2, 26, 48, 50, 51].map((k) => 0.5 * cyclicalFactor(k - 1, { length: 50 }))
    ;[0.5, 0.49950668, 0.25, 0.00442819, 0.00049332, 0.5].forEach((r, i) => expect(rates[i]).toBeCloseTo(r, 7))
  })

  it('noise is off while a cycle explores', async () => {
    const optimizer = quietly(sgld({ learningRate: 0.1, temperature: 1, gradientNoise: 0 }), { length: 10, explore: 0.8 })
    const program = engine.compile((a: { step: Tensor; key: Key }) => {
      const zero = { w: tf.zeros([3]) }
      return optimizer.update({
        params: zero,
        memory: {},
        gradient: () => zero,
        key: a.key,
        step: a.step.asScalar(),
        rate: tf.scalar(1),
        examples: 1,
      }).params
    })
    const at = async (step: number): Promise<number> =>
      Math.abs((await program({ step: value([step], []), key: hostKey(0) }))['w']!.data[0]!)
    expect([await at(0), await at(7), await at(17)]).toEqual([0, 0, 0])
    expect(Math.min(await at(8), await at(9), await at(19))).toBeGreaterThan(0)
    program.dispose()
  })

  it('weights are kept after each burn-in, where several steps are a call', () => {
    expect(keptSteps(100, 5, 1, 0.5)).toEqual({ at: [60, 70, 80, 90, 100], every: 10 })
    const { at, every } = keptSteps(2000, 6, 2, 0.75)
    expect(at.every((s) => s % every === 0)).toBe(true)
    expect(at.filter((s) => s <= 1000).length).toBe(3)
    expect(at.every((s) => (s - 1) % 1000 >= 700)).toBe(true)
    expect(new Set(at).size).toBe(6)
  })
})

describe.each(Object.entries(engines))('sg-mcmc on %s', (_, start) => {
  let on: Engine
  beforeAll(async () => {
    on = await start()
  })
  afterAll(() => on.dispose())

  // G1 of the brief: four points on a line, noise ½, prior precision 2.
  const line = (): Problem => ({
    model: mlp(mlpOptions.parse({ hidden: [] })),
    dataset: inMemory({ train: { x: value([0, 1, 2, 3], [4, 1]), y: value([0.1, 0.9, 2.1, 2.9], [4, 1]) } }),
    objective: gaussian({ noise: 0.5 }),
    prior: normal({ scale: Math.SQRT1_2 }),
    examples: 4,
  })

  it('visits the exact posterior of a line', async () => {
    const optimizer = baoa({ learningRate: 0.02, temperature: 1, momentumDecay: 0.2 })
    const inference = sgMcmc(
      { ...sgMcmcOptions.parse({ epochs: 8000, batchSize: 4, draws: 400, burnIn: 0.1 }), optimizer, after: undefined },
      { engine: on },
    )
    const { run, events } = testRun(on)
    const posterior = await inference.infer(line(), run)
    const { values } = events.findLast((e) => e.type === 'evaluation') as { values: Record<string, number> }
    const draws = Object.entries(posterior.save().values)
    const of = (name: string): number[] => draws.filter(([n]) => n.endsWith(name)).map(([, v]) => v.data[0]!)
    const [intercept, slope] = [of('head.bias'), of('head.kernel')]
    expect(intercept.length).toBe(400)
    const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length
    const variance = (x: readonly number[]): number => mean(x.map((v) => (v - mean(x)) ** 2))
    // Standard errors with about half of the draws independent.
    expect(Math.abs(mean(intercept) - 0.1435897)).toBeLessThan(4 * Math.sqrt(0.1239 / 200))
    expect(Math.abs(mean(slope) - 0.8923077)).toBeLessThan(4 * Math.sqrt(0.03846 / 200))
    expect(Math.abs(variance(intercept) / 0.1239316 - 1)).toBeLessThan(4 * Math.sqrt(2 / 200))
    expect(Math.abs(variance(slope) / 0.0384615 - 1)).toBeLessThan(4 * Math.sqrt(2 / 200))
    expect(effectiveSize([intercept])).toBeGreaterThan(100)
    expect(values['train/effective-size']).toBeCloseTo(Math.min(effectiveSize([intercept]), effectiveSize([slope])), 6)
    expect(values['train/r-hat']).toBeLessThan(1.05)
  }, 60_000)

  it('a temperature is told', async () => {
    const optimizer = sghmc({ learningRate: 0.01, temperature: 0.01, momentumDecay: 0.1 })
    const options = { ...sgMcmcOptions.parse({ epochs: 4, batchSize: 4, draws: 2 }), optimizer, after: undefined }
    const { run, events } = testRun(on)
    await sgMcmc(options, { engine: on }).infer(line(), run)
    const said = events.flatMap((e) => (e.type === 'warning' && e.code === 'OCK-BAYES-001' ? [e.message] : []))
    expect(said).toEqual([expect.stringContaining('posteriorTemperature is 0.01')])
  })

  it('chains start apart, and what is saved predicts the same', async () => {
    const optimizer = sgld({ learningRate: 0.01, temperature: 1, gradientNoise: 0 })
    const inference = sgMcmc(
      { ...sgMcmcOptions.parse({ epochs: 20, batchSize: 4, draws: 5, chains: 2 }), optimizer, after: undefined },
      { engine: on },
    )
    const posterior = await inference.infer(line(), testRun(on).run)
    const saved = posterior.save()
    expect(Object.keys(saved.values).filter((n) => n.endsWith('head.bias'))).toHaveLength(5)
    const x = { x: value([1, 4], [2, 1]) }
    const prediction = await posterior.predict(x)
    expect(prediction.members?.shape).toEqual([5, 2, 1])
    expect(await (await inference.restore(saved, line())).predict(x)).toEqual(prediction)
    const drawn = await posterior.weights!.sample(hostKey(3))
    expect((await posterior.weights!.sample(hostKey(3))).params).toEqual(drawn.params)
  })
})
