import type { Engine, RunEvent, Value } from 'ockham'
import { hostKey } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crossEntropy } from '../objectives/index.js'
import { value } from '../training/index.js'
import { engines } from '../training/testing.js'
import {
  bridgeConcentrations,
  categoricalOf,
  choleskyOfEach,
  curvatureScale,
  decayOfPrecision,
  energyOf,
  gaussianLogLikelihood,
  langevinVariance,
  links,
  pairwise,
  meanLossStep,
  penaltyOfPrecision,
  precisionOfDecay,
  precisionOfLengthScale,
  probit,
  sampled,
  warnOfDecay,
  warnOfTemperature,
  type Link,
} from './index.js'

describe('conventions', () => {
  it('weight decay and prior precision differ by N', () => {
    expect(precisionOfDecay(1e-4, 50_000)).toBe(5)
    expect(decayOfPrecision(5, 50_000)).toBe(1e-4)
  })

  it('a length scale under dropout, as the penalty of a regression: brief section 6', () => {
    const precision = precisionOfLengthScale(0.01, 0.05)
    expect(penaltyOfPrecision(precision, 455, 0.1)).toBeCloseTo(1.043956e-6, 12)
    // Half squared errors and the penalty, times τ, are the mean loss and R/N.
    const [n, tau, squares, weights] = [455, 0.1, 1.7, 2.3]
    const elsewhere = tau * (squares / 2 + penaltyOfPrecision(precision, n, tau) * weights)
    expect(elsewhere).toBeCloseTo(energyOf((tau * squares) / 2, (precision * weights) / 2, n) / n, 12)
  })

  it('a Langevin step is the same on the energy and on the mean loss', () => {
    // θ − e g + √(2 e T) ξ with g the gradient of U = N (L + R/N).
    const [e, n, t, slope, noise] = [1e-3, 40, 0.7, 1.3, 0.4]
    const onEnergy = -e * n * slope + Math.sqrt(2 * e * t) * noise
    const h = meanLossStep(e, n)
    expect(-h * slope + Math.sqrt(langevinVariance(h, n, t)) * noise).toBeCloseTo(onEnergy, 12)
  })

  it('energies, curvature and the normaliser of a likelihood', () => {
    expect(energyOf(0.25, 3, 8)).toBe(5)
    expect(curvatureScale(0.5, 10)).toBeCloseTo(0.4, 12)
    // G1 at its mean: four residuals, noise ½.
    const residuals = [0.1, 0.9, 2.1, 2.9].map((y, x) => y - 0.1435897436 - 0.8923076923 * x)
    const squared = residuals.reduce((s, r) => s + r * r, 0)
    expect(gaussianLogLikelihood(squared, 4, 0.5)).toBeCloseTo(-1.0155651476, 9)
  })

  it('says what it converts', () => {
    const said: RunEvent[] = []
    const run = { emit: (event: RunEvent) => void said.push(event) }
    warnOfTemperature(run, 'posteriorTemperature', 1)
    expect(said).toEqual([])
    warnOfTemperature(run, 'likelihoodTemperature', 0.1)
    warnOfDecay(run, 1e-4, 60_000)
    expect(said.map((e) => (e.type === 'warning' ? [e.code, e.message] : []))).toEqual([
      ['OCK-BAYES-001', expect.stringContaining('likelihoodTemperature is 0.1')],
      ['OCK-BAYES-002', expect.stringContaining('prior precision 6 ')],
    ])
  })
})

describe('links on three classes', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await engines['onnxruntime']!()
  })
  afterAll(() => engine.dispose())

  const mean = value([1, 0.2, -0.5], [1, 3])
  const covariance = (by = 1): Value =>
    value(
      [1.5, 0.3, 0.1, 0.3, 0.8, -0.2, 0.1, -0.2, 0.5].map((v) => v * by),
      [1, 3, 3],
    )
  const by = async (link: Link, v: Value, draws = 1): Promise<number[]> => {
    const program = engine.compile((a: { mean: Tensor; v: Tensor; noise: Tensor; link: Link }) => ({
      p: categoricalOf(a.mean, a.v, a.link, a.noise).probabilities,
    }))
    const found = await program({ mean, v, noise: hostKey(3).normal([draws, 3]), link })
    program.dispose()
    return Array.from(found.p.data)
  }
  const close = (got: readonly number[], wanted: readonly number[], tolerance = 1e-6): void =>
    wanted.forEach((w, i) => expect(Math.abs(got[i]! - w), `${got[i]} for ${w}`).toBeLessThan(tolerance))

  it('probit', async () => {
    close(await by('probit', covariance()), [0.5479568035, 0.2951169069, 0.1569262896])
    close(await by('probit', covariance(0.01)), [0.59723, 0.26906, 0.13372], 1e-5)
    close(await by('probit', covariance(4)), [0.4853549751, 0.3212320362, 0.1934129887])
  })

  it('softmax where nothing is unsure, and its Hessian', async () => {
    close(await by('probit', covariance(0)), [0.5979219375, 0.2686636448, 0.1334144177])
    const program = engine.compile((a: { mean: Tensor }) => {
      const root = crossEntropy().root!(a.mean)
      return { h: root.matMul(root, false, true) }
    })
    const { h } = await program({ mean })
    program.dispose()
    close(Array.from(h.data).slice(0, 3), [0.2404112942, -0.160639887, -0.0797714071])
  })

  it('probit: the factor of each output', async () => {
    const program = engine.compile((a: { mean: Tensor; v: Tensor }) => ({ p: probit(a.mean, a.v) }))
    // Of two outputs (1, 0) the logarithm of the odds is the factor of the first.
    const { p } = await program({ mean: value([1, 0, 1, 0, 1, 0], [3, 2]), v: value([1.5, 1, 0.8, 1, 0.5, 1], [3, 2]) })
    program.dispose()
    close(
      [0, 1, 2].map((i) => Math.log(p.data[2 * i]! / p.data[2 * i + 1]!)),
      [0.7932889537, 0.8723203405, 0.9142626043],
    )
  })

  it('pairwise: near the exact integrals, and blind to what moves all outputs together', async () => {
    close(await by('pairwise', covariance()), [0.545039724, 0.290696376, 0.1642639], 7e-3)
    close(await by('pairwise', covariance(0.01)), [0.59715, 0.26905, 0.1338], 2e-4)
    const shifted = value(
      Array.from(covariance().data, (v: number) => v + 50),
      [1, 3, 3],
    )
    close(await by('pairwise', shifted), await by('pairwise', covariance()), 1e-5)
    expect((await by('probit', shifted))[0]).toBeLessThan(0.4)
  })

  it('pairwise of two classes is the probit of their difference', async () => {
    const program = engine.compile((a: { mean: Tensor; v: Tensor }) => ({ p: pairwise(a.mean, a.v) }))
    const { p } = await program({ mean: value([1.2, -0.3], [1, 2]), v: value([1.5, 0.4, 0.4, 0.9], [1, 2, 2]) })
    program.dispose()
    const z = 1.5 / Math.sqrt(1 + (Math.PI / 8) * (1.5 + 0.9 - 0.8))
    close(Array.from(p.data), [1 / (1 + Math.exp(-z)), 1 / (1 + Math.exp(z))])
  })

  it('bridge, whose mean stays as the variance vanishes', async () => {
    const wanted = [0.5192708416, 0.2492445103, 0.2314846481]
    close(await by('bridge', covariance()), wanted)
    close(await by('bridge', covariance(0.01)), wanted)
    close(await by('bridge-norm', covariance()), [0.6117421416, 0.2176476882, 0.1706101702])
    close((await by('bridge-norm', covariance(0.01))).slice(0, 1), [0.99995], 1e-5)
    const program = engine.compile((a: { mean: Tensor; v: Tensor }) => ({ alpha: bridgeConcentrations(a.mean, a.v) }))
    const { alpha } = await program({ mean, v: covariance() })
    program.dispose()
    close(Array.from(alpha.data), [2.6939494055, 1.2930672135, 1.2009299968], 3e-6)
  })

  it('draws, against the exact integrals', async () => {
    close(await by('monte-carlo', covariance(), 40_000), [0.545039724, 0.290696376, 0.1642639], 4e-3)
    close(await by('monte-carlo', covariance(0.01), 4000), [0.59715, 0.26905, 0.1338], 4e-3)
    close(await by('monte-carlo', covariance(4), 40_000), [0.4817650616, 0.3085462064, 0.209688732], 6e-3)
    const independent = value([1.5, 0, 0, 0, 0.8, 0, 0, 0, 0.5], [1, 3, 3])
    close(await by('monte-carlo', independent, 40_000), [0.5489718627, 0.2967676776, 0.1542604597], 3e-3)
  })

  it('probabilities sum to one', async () => {
    for (const link of links) expect((await by(link, covariance(), 5)).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
  })

  it('factors of small matrices, and draws with their covariance', async () => {
    const program = engine.compile((a: { mean: Tensor; v: Tensor; noise: Tensor }) => ({
      l: choleskyOfEach(a.v, 0),
      s: sampled(a.mean, a.v, a.noise),
    }))
    const { l, s } = await program({ mean, v: covariance(), noise: hostKey(4).normal([50_000, 3]) })
    const n = 50_000
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) {
        let [product, moment] = [0, 0]
        for (let k = 0; k < 3; k++) product += l.data[i * 3 + k]! * l.data[j * 3 + k]!
        for (let r = 0; r < n; r++) moment += ((s.data[r * 3 + i]! - mean.data[i]!) * (s.data[r * 3 + j]! - mean.data[j]!)) / n
        expect(product).toBeCloseTo(covariance().data[i * 3 + j]!, 5)
        expect(Math.abs(moment - covariance().data[i * 3 + j]!)).toBeLessThan((5 * 2 * 1.5) / Math.sqrt(n))
      }
    expect([l.data[1], l.data[2], l.data[5]]).toEqual([0, 0, 0])
  })
})
