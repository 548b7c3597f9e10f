/* Golden numbers: computed once in NumPy, float64, by an independent implementation. */
import { hostKey, type Engine, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/suites/index.js'
import { cholesky, eigenSymmetric, logDeterminant, matrix, solveFactored } from '../linalg/index.js'
import { condition, dirichlet, drawnClasses, evidence, gp, logNormal, twoClasses, type Observed } from './index.js'
import { noisyCovariances } from './blocks.js'
import { sparseBound } from './bound.js'
import { between } from './kernels/constraint.js'
import { inner } from './kernels/kernel.js'
import { column, factorAnalysis, hyperOf, squaredExponential } from './testing.js'

const close = (found: ArrayLike<number>, wanted: readonly number[], digits = 9): void =>
  wanted.forEach((w, i) => expect(found[i]! / w, `entry ${i}: ${found[i]}`).toBeCloseTo(1, digits - 1))

const labelled = (y: readonly number[]): readonly Observed[] =>
  dirichlet({ alpha: 0.01 }).targets({ shape: [y.length], dtype: 'int32', data: Int32Array.from(y) }, 2)

describe('label transform', () => {
  it.each([
    [0.01, 4.615120516841, -6.912730444409],
    [1.01, 0.688184391218, -0.334141864756],
    [0.1, 2.397895272798, -3.501532729393],
    [1.1, 0.646627164925, -0.228003402658],
    [0.001, 6.908754779315, -10.36213266864],
    [1.001, 0.692647555269, -0.345324277301],
  ])('of α = %f', (alpha, noise, target) => {
    const found = logNormal(alpha)
    close([found.noise, found.target], [noise, target], 11)
    expect(Math.exp(found.target + found.noise / 2)).toBeCloseTo(alpha, 13)
    expect(Math.expm1(found.noise) * Math.exp(2 * found.target + found.noise)).toBeCloseTo(alpha, 13)
  })
})

describe.each(Object.entries(engines))('on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  const x = column([-1.5, -0.5, 0.3, 1, 2.2])
  const y = [0.2, -0.4, 0.1, 0.9, 0.3]
  const observed: readonly Observed[] = [{ target: Float64Array.from(y), noise: new Float64Array(5) }]
  const { kernel, p } = squaredExponential(1.3, 0.8)
  const process = gp({ kernel, mean: 'zero' })
  const hyper = hyperOf(p, [0])
  const given = condition(process, hyper, Float64Array.of(0.05), x, observed)

  it('regression: evidence and gradient', async () => {
    const found = await evidence(engine, process, hyper, Float64Array.of(0.05), x, observed)
    close([found.value], [-5.089045113500233], 12)
    close([given.evidence[0]!], [-5.089045113500233], 12)
    close(
      [found.hyper['kernel.lengthScale']!.data[0]!, found.hyper['kernel.variance']!.data[0]!, 0.05 * found.noise[0]!],
      [1.6657754405, -1.8051776672, -0.162516718],
    )
  })

  it('regression: factor, weights and the terms of the evidence', () => {
    const [sigma] = noisyCovariances(process, hyper, Float64Array.of(0.05), x, observed)
    const factor = cholesky(matrix([5, 5], sigma))
    close(factor.data.slice(20), [0.0000253432, 0.0041780574, 0.0815304161, 0.438563386, 1.0728455112], 6)
    const alpha = solveFactored(factor, matrix([5], y)).data
    close(alpha, [0.3445432644, -0.3979926653, -0.3676398463, 0.9921589649, -0.0655785772])
    close([logDeterminant(factor), inner(y, alpha)], [-0.0759063347221455, 1.064611229675885], 12)
  })

  it('regression: predictions and leaving one out', () => {
    const f = given.latent(column([-1, 0, 1, 3]))
    close(f.mean.data, [-0.1281471751, -0.2052732239, 0.8503920518, 0.0033194117], 7)
    close(f.variance.data, [0.0948572708, 0.0501385415, 0.045559919, 0.7947948681], 8)
    const loo = given.leaveOneOut()
    close(loo.mean.data, [-0.1438249604, -0.1717837802, 0.2464260298, 0.3413621297, 0.3754807778])
    close([loo.logDensity], [-4.049576221196886], 12)
    const joint = given.covariance(column([-1, 0, 1, 3]), 0)
    for (let i = 0; i < 4; i++) expect(joint.data[i * 5]).toBeCloseTo(f.variance.data[i]!, 12)
    expect(eigenSymmetric(joint).values.data[0]).toBeGreaterThan(0)
  })

  it('regression: a fantasy is what conditioning on everything gives', () => {
    const part = (from: number, to: number): readonly Observed[] => [
      { target: Float64Array.from(y.slice(from, to)), noise: new Float64Array(to - from) },
    ]
    const first = condition(process, hyper, Float64Array.of(0.05), column([-1.5, -0.5, 0.3]), part(0, 3))
    const grown = first.fantasy(column([1, 2.2]), part(3, 5))
    close(grown.latent(column([-1, 3])).mean.data, [...given.latent(column([-1, 3])).mean.data], 11)
    close(grown.evidence, [...given.evidence], 11)
  })

  it('Dirichlet classification: evidence, latent functions, probabilities', async () => {
    const se = squaredExponential(4, 1)
    const classifier = gp({ kernel: se.kernel, mean: 'constant' })
    const at = hyperOf(se.p, [-2, -2])
    const points = column([-2, -1, -0.5, 0.5, 1, 2])
    const labels = labelled([0, 0, 1, 0, 1, 1])
    const found = await evidence(engine, classifier, at, new Float64Array(2), points, labels)
    close(found.outputs, [-19.349531577796544, -19.349531577796544], 12)
    expect(-found.value / 6).toBeCloseTo(6.449843859265514, 11)
    const f = condition(classifier, at, new Float64Array(2), points, labels).latent(column([-1.5, 0, 0.75, 4]))
    const of = (v: ArrayLike<number>, c: number): number[] => [0, 1, 2, 3].map((i) => v[2 * i + c]!)
    close(of(f.mean.data, 0), [-0.5766708935, -1.105375404, -1.9038683518, -2.3127096127])
    close(of(f.mean.data, 1), [-3.8086904924, -1.105375404, -1.0592018229, -1.8606458285])
    close(of(f.variance.data, 0), [0.4864868522, 0.7119986681, 0.6011549518, 3.9641462201])
    close(of(f.variance.data, 1), [1.4653092576, 0.7119986681, 0.5655989446, 3.9200928425])
    const probabilities = of(twoClasses(f).data, 1)
    close(probabilities, [0.0754363294, 0.5, 0.6647357737, 0.5543695558], 9)
    const plugged = [0, 1, 2, 3].map((i) => 1 / (1 + Math.exp(f.mean.data[2 * i]! - f.mean.data[2 * i + 1]!)))
    expect(Math.abs(plugged[0]! - probabilities[0]!)).toBeGreaterThan(0.03)
    const drawn = of(drawnClasses(f, 100_000, hostKey(1)).probabilities.data, 1)
    drawn.forEach((v, i) => expect(Math.abs(v - probabilities[i]!)).toBeLessThan(0.004))
  })

  it('the factor-analysis kernel: loss and gradient', async () => {
    const fa = factorAnalysis([[1], [-1]], [0.5], [1, 2], 2)
    const classifier = gp({ kernel: fa.kernel, mean: 'constant' })
    const at = hyperOf(fa.p, [-1, -2])
    const points = matrix([4, 2], [0, 0, 1, 0.2, 0.3, 0.9, 0.8, 0.7])
    const labels = labelled([0, 1, 0, 1])
    const noise = Float64Array.of(0.1, 0.1)
    close(classifier.covariance(at, points, points).data.slice(1, 4), [0.335594122, 0.841051134, 1.3389653389])
    const found = await evidence(engine, classifier, at, noise, points, labels)
    close(found.outputs, [-12.082270157467427, -11.714298891638176], 12)
    expect(-found.value / 4).toBeCloseTo(5.949142262276401, 11)
    close(
      found.hyper['kernel.directions']!.data.map((g: number) => -g / 4),
      [-0.6671295401, -0.8583462009],
    )
    close(
      found.hyper['mean']!.data.map((g: number) => -g / 4),
      [0.1998461179, 0.0230836846],
      8,
    )
    // ∂LL/∂λ_j = 2 S_jj / λ_j³ and ∂LL/∂ℓ = 2 pᵀ S p / ℓ³, which gives S_12.
    const slope = (name: string, i: number): number => {
      const raw = between(0.01, 100)
      return found.hyper[`kernel.${name}`]!.data[i]! / raw.slope(at[`kernel.${name}`]!.data[i]!)
    }
    const [s11, s22] = [slope('lengthScale', 0) / 2, (slope('lengthScale', 1) * 2 ** 3) / 2]
    const s12 = (s11 + s22 - (slope('factorScale', 0) * 0.5 ** 3) / 2) / 2
    close([s11, s12, s22], [-0.829903369, -0.4963385989, -0.0671654985])
    const raised = await Promise.all(
      [1e-5, -1e-5].map((h) =>
        evidence(
          engine,
          classifier,
          at,
          noise.map((v) => v + h),
          points,
          labels,
        ),
      ),
    )
    expect((raised[0]!.value - raised[1]!.value) / 2e-5).toBeCloseTo(found.noise[0]! + found.noise[1]!, 6)
  })

  it('the sparse bound: exact where every row is an inducing point, below elsewhere, its gradient by differences', async () => {
    const n = 30
    const points = matrix([n, 2], hostKey(3).uniform([n, 2]).data)
    const labels = labelled(Array.from({ length: n }, (_, i) => (points.data[2 * i]! > points.data[2 * i + 1]! ? 1 : 0)))
    const fa = factorAnalysis([[1], [-1]], [0.5], [1, 2], 2)
    const classifier = gp({ kernel: fa.kernel, mean: 'constant' })
    const at = hyperOf(fa.p, [-1, -2])
    const noise = Float64Array.of(0.1, 0.2)
    const exact = await evidence(engine, classifier, at, noise, points, labels)
    const all = await sparseBound(engine, classifier, at, noise, points, matrix([n, 2], points.data), labels)
    expect(all.value).toBeCloseTo(exact.value, 3)
    const few = matrix([6, 2], (points.data as Float64Array).slice(0, 12))
    const some = await sparseBound(engine, classifier, at, noise, points, few, labels)
    expect(some.value).toBeLessThan(exact.value)
    const at1 = (q: Values, extra = noise) => sparseBound(engine, classifier, q, extra, points, few, labels).then((b) => b.value)
    for (const [name, v] of Object.entries(at))
      for (let i = 0; i < v.data.length; i++) {
        const step = (h: number) => at1({ ...at, [name]: { ...v, data: Float64Array.from(v.data, (w, k) => (k === i ? w + h : w)) } })
        expect(some.hyper[name]!.data[i], `${name} ${i}`).toBeCloseTo(((await step(1e-5)) - (await step(-1e-5))) / 2e-5, 4)
      }
    for (const c of [0, 1]) {
      const step = (h: number) =>
        at1(
          at,
          Float64Array.from(noise, (v, k) => (k === c ? v + h : v)),
        )
      expect(some.noise[c]).toBeCloseTo(((await step(1e-5)) - (await step(-1e-5))) / 2e-5, 4)
    }
  })
})
