import { hostKey, type Engine, type Posterior, type Problem, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { componentOf, freshRun, inMemory, interpreter } from '../../../test/suites/index.js'
import { matrix } from '../linalg/index.js'
import { gaussian } from '../objectives/index.js'
import { flat } from '../priors/index.js'
import { sparseBound } from './bound.js'
import plugin, { dirichlet, gp, type Kernel } from './index.js'
import { priorOf, stochasticBound } from './stochastic-bound.js'
import { factorAnalysis, hyperOf } from './testing.js'
import { someRows } from './type-two.js'

let engine: Engine
beforeAll(async () => {
  engine = await interpreter()
})
afterAll(() => engine.dispose())

describe('the stochastic bound', () => {
  const n = 30
  const x = matrix([n, 2], hostKey(3).uniform([n, 2]).data)
  const labels = Int32Array.from({ length: n }, (_, i) => (x.data[2 * i]! > x.data[2 * i + 1]! ? 1 : 0))
  const observed = dirichlet({ alpha: 0.01 }).targets({ shape: [n], dtype: 'int32', data: labels }, 2)
  const { kernel, p } = factorAnalysis([[1], [-1]], [0.5], [1, 2], 2)
  const process = gp({ kernel, mean: 'constant' })
  const at = hyperOf(p, [-1, -2])
  const noise = Float64Array.of(0.1, 0.2)
  const z = matrix([6, 2], (x.data as Float64Array).slice(0, 12))

  it('is Titsias’ at its optimal q, and less elsewhere', async () => {
    const prior = priorOf(process, at, z, 2)
    const first = await stochasticBound(engine, process, at, noise, x, z, observed, prior, n)
    const best = await stochasticBound(engine, process, at, noise, x, z, observed, first.optimal, n)
    const collapsed = await sparseBound(engine, process, at, noise, x, z, observed)
    expect(best.value).toBeCloseTo(collapsed.value, 6)
    expect(first.value).toBeLessThan(best.value)
    for (const c of [0, 1]) {
      best.outputs[c]!.weights.forEach((v, i) => expect(v).toBeCloseTo(collapsed.outputs[c]!.weights[i]!, 5))
      best.outputs[c]!.taken.forEach((v, i) => expect(v).toBeCloseTo(collapsed.outputs[c]!.taken[i]!, 4))
    }
  })

  it('averages over batches to the whole, with derivatives as by differences', async () => {
    const prior = priorOf(process, at, z, 2)
    const { optimal } = await stochasticBound(engine, process, at, noise, x, z, observed, prior, n)
    const q = prior.map((v, c) => ({
      precision: v.precision.map((w, i) => (w + optimal[c]!.precision[i]!) / 2),
      shift: optimal[c]!.shift.map((w) => w / 3),
    }))
    const batch = someRows(x, observed, [3, 7, 8, 11, 20])
    const bound = (hyper: Values, extra = noise, rows = batch) =>
      stochasticBound(engine, process, hyper, extra, rows.x, z, rows.observed, q, n)
    const whole = (await bound(at, noise, { x, observed: [...observed] })).value
    let mean = 0
    for (let k = 0; k < n; k += 5) mean += (await bound(at, noise, someRows(x, observed, [0, 1, 2, 3, 4].map((i) => k + i)))).value / 6 // prettier-ignore
    expect(mean).toBeCloseTo(whole, 8)
    const found = await bound(at)
    for (const [name, v] of Object.entries(at))
      for (let i = 0; i < v.data.length; i++) {
        const step = async (h: number): Promise<number> =>
          (await bound({ ...at, [name]: { ...v, data: Float64Array.from(v.data, (w, k) => (k === i ? w + h : w)) } })).value
        expect(found.hyper[name]!.data[i], `${name} ${i}`).toBeCloseTo(((await step(1e-5)) - (await step(-1e-5))) / 2e-5, 3)
      }
    for (const c of [0, 1]) {
      const step = async (h: number): Promise<number> => (await bound(at, noise.map((v, k) => (k === c ? v + h : v)))).value // prettier-ignore
      expect(found.noise[c]).toBeCloseTo(((await step(1e-5)) - (await step(-1e-5))) / 2e-5, 4)
    }
  })
})

describe('svgp', () => {
  const n = 120
  const key = hostKey(11)
  const x = Float32Array.from(key.fold('x').uniform([n]).data, (u) => 6 * u)
  const noise = key.fold('noise').normal([n]).data
  const wave = Float32Array.from(x, (v, i) => Math.sin(v) + 0.1 * noise[i]!)
  const column = { shape: [n, 1], dtype: 'float32' as const, data: x }
  const grid = matrix([5, 1], [0.5, 1.7, 2.9, 4.1, 5.3])

  const fitted = async (name: string, problem: Problem, options: object): Promise<Posterior> =>
    (await componentOf<'inference'>(plugin, 'inference', name, options)).infer(problem, freshRun(engine))
  const problemOf = async (dataset: Problem['dataset'], objective: Problem['objective']): Promise<Problem> => {
    const kernel: Kernel = await componentOf(plugin, 'kernel', 'rbf', { lengthScale: 0.3 })
    const model = await componentOf(plugin, 'process', 'gp', { kernel })
    return { dataset, model, objective, prior: flat(), examples: n }
  }
  const stochastic = { inducing: 20, batchSize: 40, steps: 250, learningRate: 0.03, naturalRate: 0.3 }

  it('regresses as the exact process does', async () => {
    const y = { shape: [n, 1], dtype: 'float32' as const, data: wave }
    const problem = await problemOf(inMemory({ train: { x: column, y } }), gaussian({ noise: 1 }))
    const [exact, found] = [await fitted('type-two', problem, {}), await fitted('svgp', problem, stochastic)]
    const [e, f] = [await exact.predict({ x: grid }), await found.predict({ x: grid })]
    if (e.kind !== 'normal' || f.kind !== 'normal') throw new Error('numbers are wanted')
    f.mean.data.forEach((v, i) => expect(Math.abs(v - e.mean.data[i]!)).toBeLessThan(0.05))
    f.variance.data.forEach((v, i) => expect(v / e.variance.data[i]!).toBeGreaterThan(0.6))
    f.variance.data.forEach((v, i) => expect(v / e.variance.data[i]!).toBeLessThan(1.7))
    expect(found.evidence).toBeLessThan(exact.evidence! + 1e-6)
    expect(found.evidence).toBeGreaterThan(exact.evidence! - 10)
    const back = await (await componentOf(plugin, 'inference', 'svgp', stochastic)).restore(found.save(), problem)
    expect(await back.predict({ x: grid })).toEqual(f)
  })

  it('classifies as the exact process does', async () => {
    const y = { shape: [n], dtype: 'int32' as const, data: Int32Array.from(wave, (v) => (v > 0 ? 1 : 0)) }
    const problem = await problemOf(inMemory({ train: { x: column, y } }, { classes: ['no', 'yes'] }), dirichlet({ alpha: 0.01 }))
    const [exact, found] = [await fitted('type-two', problem, {}), await fitted('svgp', problem, stochastic)]
    const [e, f] = [await exact.predict({ x: grid }), await found.predict({ x: grid })]
    if (e.kind !== 'categorical' || f.kind !== 'categorical') throw new Error('classes are wanted')
    f.probabilities.data.forEach((v, i) => expect(Math.abs(v - e.probabilities.data[i]!)).toBeLessThan(0.08))
  })
})
