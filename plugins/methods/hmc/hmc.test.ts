import { hostKey, memoryStore, PlacedRun, type Engine, type Problem, type RunEvent } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effectiveSize } from '../../parts/chains/index.js'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { gaussian } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { value } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { hamiltonian, hmc, hmcOptions, leapfrog, nuts, nutsOptions, type HmcOptions, type NutsOptions, type Potential } from './index.js'
import { inverseMassOf, noSpread, windowsOf, withPosition } from './mass.js'
import { momentumOf } from './phase.js'
import { averaged, averagingFrom, firstStep, settled } from './step-size.js'
import { trajectory } from './trajectory.js'
import { noUTurn } from './tree.js'

/** U = ½ Σ λ q². */
const quadratic =
  (...lambda: readonly number[]): Potential =>
  (position) =>
    Promise.resolve({
      energy: position.reduce((sum, q, i) => sum + (lambda[i]! * q * q) / 2, 0),
      gradient: position.map((q, i) => lambda[i]! * q),
    })
const f64 = (...x: readonly number[]): Float64Array => Float64Array.from(x)

describe('leapfrog: brief section 3.3', () => {
  const potential = quadratic(4)

  it('ten steps of 0.1 from q = 1, p = 0, and back', async () => {
    const one = f64(1)
    let at = { position: one, momentum: f64(0), ...(await potential(one)) }
    expect(hamiltonian(at, one)).toBe(2)
    for (let i = 0; i < 10; i++) at = { ...(await leapfrog(potential, at, 0.1, one)) }
    expect(at.position[0]).toBeCloseTo(-0.4191892106, 9)
    expect(at.momentum[0]).toBeCloseTo(-1.8066959918, 9)
    expect(hamiltonian(at, one)).toBeCloseTo(1.9835143919, 9)
    at = { ...at, momentum: at.momentum.map((p) => -p) }
    for (let i = 0; i < 10; i++) at = { ...(await leapfrog(potential, at, 0.1, one)) }
    expect(at.position[0]).toBeCloseTo(1, 12)
    expect(at.momentum[0]).toBeCloseTo(0, 12)
  })

  it('a mass is a change of units: q′ = √m q, p′ = p / √m', async () => {
    const m = 9
    const heavy = await leapfrog(potential, { position: f64(1), momentum: f64(0.6), ...(await potential(f64(1))) }, 0.1, f64(1 / m))
    const scaled = quadratic(4 / m)
    const light = await leapfrog(scaled, { position: f64(3), momentum: f64(0.2), ...(await scaled(f64(3))) }, 0.1, f64(1))
    expect(heavy.position[0]! * 3).toBeCloseTo(light.position[0]!, 12)
    expect(heavy.momentum[0]! / 3).toBeCloseTo(light.momentum[0]!, 12)
  })
})

describe('adapting', () => {
  it('dual averaging settles where acceptance meets its target', () => {
    // Acceptance falls linearly in the logarithm of the step and is 0.8 at 0.25.
    const acceptance = (step: number): number => Math.min(1, Math.max(0, 0.8 - 0.3 * Math.log(step / 0.25)))
    let at = averagingFrom(3)
    for (let i = 0; i < 2000; i++) at = averaged(at, acceptance(at.step), 0.8)
    expect(settled(at)).toBeCloseTo(0.25, 2)
  })

  it('its first two steps by hand', () => {
    // centre ln 10; H = (0.8 − 1)/11, ln ε = ln 10 + 0.2/11/0.05; then H ← (11/12) H + (0.8 − 0.5)/12.
    const one = averaged(averagingFrom(1), 1, 0.8)
    expect(Math.log(one.step)).toBeCloseTo(Math.log(10) + 0.2 / 11 / 0.05, 12)
    expect(one.average).toBeCloseTo(Math.log(one.step), 12)
    const two = averaged(one, 0.5, 0.8)
    const h = (11 / 12) * (-0.2 / 11) + 0.3 / 12
    const log = Math.log(10) - (Math.SQRT2 / 0.05) * h
    expect(Math.log(two.step)).toBeCloseTo(log, 12)
    expect(two.average).toBeCloseTo(2 ** -0.75 * log + (1 - 2 ** -0.75) * one.average, 12)
  })

  it('a first step is where one leap is accepted half of the time', async () => {
    const potential = quadratic(100)
    const start = { position: f64(0.1), momentum: f64(1), ...(await potential(f64(0.1))) }
    const step = await firstStep(potential, start, f64(1), 1)
    const change = async (s: number): Promise<number> =>
      hamiltonian(start, f64(1)) - hamiltonian(await leapfrog(potential, start, s, f64(1)), f64(1))
    expect(await change(step)).toBeGreaterThan(Math.log(0.5))
    expect(await change(2 * step)).toBeLessThanOrEqual(Math.log(0.5))
  })

  it('windows as Stan has them, and in short', () => {
    expect(windowsOf(1000)).toEqual({ first: 75, ends: [100, 150, 250, 450, 950] })
    expect(windowsOf(100)).toEqual({ first: 15, ends: [90] })
    expect(windowsOf(10)).toEqual({ first: 10, ends: [] })
  })

  it('the mass is the inverse of sample variances, drawn towards 10⁻³', () => {
    const positions = [1, 4, 2, 9].map((v) => f64(v, -v))
    const spread = positions.reduce(withPosition, noSpread(2))
    const variance = 38 / 3
    expect(Array.from(inverseMassOf(spread))).toEqual([0, 1].map(() => expect.closeTo((4 / 9) * variance + (5 / 9) * 1e-3, 10) as number))
  })
})

describe('transitions leave the law as it is', () => {
  /** Moments of a chain on independent normals of precision λ. */
  async function run(lambda: readonly number[], count: number, which: 'tree' | 'trajectory', step: number): Promise<Float64Array[]> {
    const potential = quadratic(...lambda)
    const inverse = f64(...lambda.map(() => 1))
    let at = { position: f64(...lambda.map(() => 0)), ...(await potential(f64(...lambda.map(() => 0)))) }
    const traces = lambda.map(() => new Float64Array(count))
    for (let t = 0; t < count; t++) {
      const key = hostKey(5).fold(t)
      let used = 0
      const numbers = key.fold('u').uniform([80]).data
      const uniform = (): number => numbers[used++]!
      const phase = { ...at, momentum: momentumOf(key.fold('p').normal([lambda.length]).data, inverse) }
      const made =
        which === 'tree'
          ? await noUTurn(potential, phase, step, inverse, 6, uniform)
          : await trajectory(potential, phase, step, inverse, 7, uniform)
      at = made.at
      traces.forEach((trace, i) => (trace[t] = at.position[i]!))
    }
    return traces
  }

  it.each([
    ['trajectory', 0.3],
    ['tree', 0.3],
    // So long that a third is refused: the law must still be right.
    ['trajectory', 0.8],
    ['tree', 0.8],
  ] as const)('%s with steps of %f', async (which, step) => {
    const lambda = [1, 4]
    const traces = await run(lambda, 6000, which, step)
    traces.forEach((trace, i) => {
      const n = effectiveSize([trace])
      const squares = trace.map((q) => q * q)
      const variance = squares.reduce((a, b) => a + b, 0) / trace.length
      const wanted = 1 / lambda[i]!
      expect(Math.abs(trace.reduce((a, b) => a + b, 0) / trace.length)).toBeLessThan(4 * Math.sqrt(wanted / n))
      expect(Math.abs(variance / wanted - 1)).toBeLessThan(4 * Math.sqrt(2 / effectiveSize([squares])))
    })
  })

  it('a tree turns back after half a period', async () => {
    const potential = quadratic(1)
    const start = { position: f64(0), momentum: f64(1), ...(await potential(f64(0))) }
    const made = await noUTurn(potential, start, 0.1, f64(1), 10, () => 0.7)
    // 31 steps of 0.1 are half a turn; doublings end beyond it.
    expect(made.leaps).toBeGreaterThanOrEqual(31)
    expect(made.leaps).toBeLessThanOrEqual(63)
    expect(made.divergent).toBe(false)
  })

  it('says where it diverges, and stays', async () => {
    const potential = quadratic(1e8)
    const start = { position: f64(1e-4), momentum: f64(1), ...(await potential(f64(1e-4))) }
    for (const made of [
      await noUTurn(potential, start, 1, f64(1), 10, () => 0.7),
      await trajectory(potential, start, 1, f64(1), 5, () => 0.7),
    ]) {
      expect(made.divergent).toBe(true)
      expect(made.at.position[0]).toBe(1e-4)
    }
  })
})

// G1 of the brief: four points on a line, noise ½, prior precision 2.
const line = (): Problem => ({
  model: mlp(mlpOptions.parse({ hidden: [] })),
  dataset: inMemory({ train: { x: value([0, 1, 2, 3], [4, 1]), y: value([0.1, 0.9, 2.1, 2.9], [4, 1]) } }),
  objective: gaussian({ noise: 0.5 }),
  prior: normal({ scale: Math.SQRT1_2 }),
  examples: 4,
})
const exact = { mean: [0.1435897436, 0.8923076923], covariance: [0.1239316239, -0.0512820513, 0.0384615385] }

describe.each(Object.entries(engines))('on %s', (machine, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())
  const small = { warmup: 150, draws: 1200, chains: 4 }
  const make = {
    hmc: (o: object) => hmc(hmcOptions.parse({ ...small, leapfrogSteps: 8, ...o }) as HmcOptions, { engine }),
    nuts: (o: object) => nuts(nutsOptions.parse({ ...small, ...o }) as NutsOptions, { engine }),
  }
  const valuesOf = (events: readonly RunEvent[]): Readonly<Record<string, number>> =>
    events.flatMap((e) => (e.type === 'evaluation' ? [e.values] : [])).at(-1)!

  it.each(['hmc', 'nuts'] as const)(
    '%s: the exact posterior of a line, by four chains that agree',
    async (name) => {
      const { run, events } = testRun(engine)
      const posterior = await make[name]({}).infer(line(), run)
      const saved = Object.entries(posterior.save().values)
      const of = (param: string): number[] => saved.filter(([n]) => n.endsWith(param)).map(([, v]) => v.data[0]!)
      const [a, b] = [of('head.bias'), of('head.kernel')]
      expect(a.length).toBe(1200)
      const mean = (x: readonly number[]): number => x.reduce((s, v) => s + v, 0) / x.length
      const [ma, mb] = [mean(a), mean(b)]
      const second = [mean(a.map((v) => (v - ma) ** 2)), mean(a.map((v, i) => (v - ma) * (b[i]! - mb))), mean(b.map((v) => (v - mb) ** 2))]
      const values = valuesOf(events)
      const n = values['train/effective-size']!
      expect(n).toBeGreaterThan(250)
      expect(Math.abs(ma - exact.mean[0]!)).toBeLessThan(4 * Math.sqrt(exact.covariance[0]! / n))
      expect(Math.abs(mb - exact.mean[1]!)).toBeLessThan(4 * Math.sqrt(exact.covariance[2]! / n))
      const unit = exact.covariance[0]!
      second.forEach((v, i) => expect(Math.abs(v - exact.covariance[i]!)).toBeLessThan(4 * unit * Math.sqrt(2 / n)))
      expect(values['train/r-hat']).toBeLessThan(1.03)
      expect(values['train/divergences']).toBe(0)
      // In two dimensions acceptance is no falling function of the step: a fixed length may settle above its target.
      expect(Math.abs(values['train/acceptance']! - 0.8)).toBeLessThan(0.19)
      expect(events.filter((e) => e.type === 'warning')).toEqual([])
    },
    60_000,
  )

  it('a temperature is told', async () => {
    const { run, events } = testRun(engine)
    await make.nuts({ warmup: 4, draws: 8, chains: 2, temperature: 0.5 }).infer(line(), run)
    const said = events.flatMap((e) => (e.type === 'warning' && e.code === 'OCK-BAYES-001' ? [e.message] : []))
    expect(said).toEqual([expect.stringContaining('posteriorTemperature is 0.5')])
  })

  it('a step too large is told: divergences, and no agreement', async () => {
    const { run, events } = testRun(engine)
    await make.hmc({ stepSize: 40, warmup: 0, draws: 40, chains: 2 }).infer(line(), run)
    const codes = events.flatMap((e) => (e.type === 'warning' ? [e.code] : []))
    expect(codes).toContain('OCK-HMC-002')
    expect(codes).toContain('OCK-HMC-003')
    expect(valuesOf(events)['train/divergences']).toBe(40)
  })

  if (machine === 'onnxruntime')
    it.each(['hmc', 'nuts'] as const)('%s: killed and resumed, the same bytes', async (name) => {
      const options = { warmup: 60, draws: 120, chains: 2 }
      const whole = (await make[name](options).infer(line(), testRun(engine).run)).save()
      const store = memoryStore()
      const stop = new AbortController()
      let steps = 0
      const record = ({ type }: RunEvent): void => void (type === 'step' && ++steps === 130 && stop.abort())
      const run = new PlacedRun({ key: hostKey(0), engine, signal: stop.signal, store, path: [], timings: {}, record })
      await expect(make[name](options).infer(line(), run)).rejects.toThrow('interrupted')
      expect(steps).toBe(130)
      const resumed = (await make[name](options).infer(line(), testRun(engine, { store }).run)).save()
      expect(resumed).toEqual(whole)
    })

  it('refuses terms that see other points every step', async () => {
    const prior = { ...normal({ scale: 1 }), feed: () => ({}) }
    const after = { infer: () => Promise.reject(new Error('it was trained')), restore: () => Promise.reject(new Error('none')) }
    await expect(make.nuts({ after }).infer({ ...line(), prior }, testRun(engine).run)).rejects.toThrow('no one energy')
  })

  it('refuses chains without a draw', () => {
    expect(nutsOptions.safeParse({ chains: 4, draws: 3 }).error?.issues[0]?.message).toContain('at least one a chain')
  })

  it('passes over parts of the data add up to the whole', async () => {
    const options = { warmup: 0, draws: 4, chains: 1, stepSize: 0.1 }
    const weights = async (batchSize: number) =>
      Object.values((await make.hmc({ ...options, batchSize }).infer(line(), testRun(engine).run)).save().values).map((v) => v.data[0]!)
    const whole = await weights(100)
    ;(await weights(3)).forEach((v, i) => expect(v).toBeCloseTo(whole[i]!, 5))
  })
})
