/* What the options of Laplace change: subnetworks, how finely and by what the prior is tuned, points of function space, units of the prior. */
import type { Engine, Prediction, Problem } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { horseshoe, laplacePrior } from '../../parts/priors/index.js'
import { given } from '../../parts/training/index.js'
import { engines, inMemory, testRun } from '../../parts/training/testing.js'
import { evidence } from './evidence.js'
import { laplace } from './laplace.js'
import { laplaceOptions, type LaplaceOptions } from './options.js'
import { drawOf, type LaplacePosterior } from './posterior.js'
import { around, close, g1, g2, type Options, repeated, table } from './testing.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['onnxruntime']!()
})
afterAll(() => engine.dispose())

/** Laplace around the weights as they are, and what it said. */
async function said(problem: Problem, options: Options, seed = 0) {
  const { run, events } = testRun(engine, { seed })
  const parsed = { ...laplaceOptions.parse({ subset: 'all', tune: 'none', ...options }), after: given({}, { engine }) } as LaplaceOptions
  const posterior = (await laplace(parsed, { engine }).infer(problem, run)) as LaplacePosterior
  return { posterior, warnings: events.flatMap((e) => (e.type === 'warning' ? [`${e.code} ${e.message}`] : [])) }
}

describe('subnetworks of G2', () => {
  // W1 (0.8, −0.6), b1 (0.1, 0.2), W2 (1.2, −0.7), b2 0.05; the three smallest curvatures are those of W1 and of the second of b1.
  it.each([
    ['magnitude', [0, 4, 5]],
    ['variance', [0, 1, 3]],
  ] as const)('by %s', async (by, wanted) => {
    const problem = await g2(engine)
    const whole = (await around(problem, engine, { structure: 'full' })).fitted.curvature.save()['full']!.data
    const { fitted } = await around(problem, engine, { structure: 'full', subset: { parameters: 3, by } })
    expect([...fitted.at.chosen!]).toEqual(wanted)
    close(
      fitted.curvature.save()['full']!.data,
      wanted.flatMap((i) => wanted.map((j) => whole[7 * i + j]!)),
    )
    const { params } = await drawOf(fitted, Float64Array.of(1, 1, 1), engine)
    const before = ['layer0.kernel', 'layer0.bias', 'head.kernel', 'head.bias'].flatMap((name) =>
      Array.from(fitted.vars.params[name]!.data),
    )
    const after = ['layer0.kernel', 'layer0.bias', 'head.kernel', 'head.bias'].flatMap((name) => Array.from(params[name]!.data))
    expect(before.flatMap((w, i) => (w === after[i] ? [] : [i]))).toEqual(wanted)
  })

  it('at random, by the seed', async () => {
    const places = async (seed: number): Promise<number[]> => [
      ...(await said(await g2(engine), { structure: 'diagonal', subset: { parameters: 4, by: 'random' } }, seed)).posterior.fitted.at
        .chosen!,
    ]
    const one = await places(1)
    expect(new Set(one).size).toBe(4)
    expect(one).toEqual([...one].sort((a, b) => a - b))
    expect(await places(1)).toEqual(one)
    expect((await Promise.all([2, 3, 4, 5].map(places))).some((other) => other.join() !== one.join())).toBe(true)
  })

  it('as large as all are all', async () => {
    const { fitted } = await around(await g2(engine), engine, { structure: 'full', subset: { parameters: 7, by: 'variance' } })
    expect(fitted.at.chosen).toBeUndefined()
  })
})

describe('how finely the precision is tuned', () => {
  it.each([
    ['global', 'full', 1],
    ['layer', 'full', 2],
    ['layer', 'kfac', 2],
    ['parameter', 'diagonal', 7],
    ['parameter', 'full', 7],
  ] as const)('one a %s, %s: no other precision has more evidence', async (precision, structure, groups) => {
    const { fitted } = await around(await g2(engine), engine, { structure, precision, tune: 'evidence', noise: false })
    const { prior } = fitted.scales
    expect(prior.length).toBe(groups)
    const setting = { at: fitted.at, curvature: fitted.curvature, ...fitted.numbers }
    const best = evidence(setting, prior, fitted.sigma).value
    for (let g = 0; g < groups; g++)
      for (const factor of [0.8, 1.25])
        expect(
          evidence(
            setting,
            prior.map((t, i) => (i === g ? t * factor : t)),
            fitted.sigma,
          ).value,
        ).toBeLessThanOrEqual(best + 1e-9)
    // A finer prior has no less evidence than the one it refines.
    const one = await around(await g2(engine), engine, { structure, precision: 'global', tune: 'evidence', noise: false })
    expect(best).toBeGreaterThanOrEqual(one.evidence! - 1e-9)
  })

  it('by validation: the factor of the grid under which its targets are likeliest', async () => {
    const problem = await g2(engine)
    const fields = { x: table([[-1.5], [0.5], [3]]), y: table([[-1.2], [0.6], [1]]) }
    const train = { x: table([[-1], [0], [1], [2]]), y: table([[-0.9], [0.3], [0.8], [0.5]]) }
    const dataset = inMemory({ train, validation: fields })
    const grid = { from: 0.01, to: 100, count: 5 }
    const posterior = await around({ ...problem, dataset }, engine, { structure: 'full', tune: 'validation', grid })
    const nll = (p: Prediction): number => {
      if (p.kind !== 'normal') throw new Error('a regression predicts normals')
      return Array.from(fields.y.data).reduce(
        (sum, y, i) => sum + Math.log(p.variance.data[i]!) / 2 + (y - p.mean.data[i]!) ** 2 / (2 * p.variance.data[i]!),
        0,
      )
    }
    const factors = [0.01, 0.1, 1, 10, 100]
    const tried: number[] = []
    for (const factor of factors)
      tried.push(nll(await (await around(problem, engine, { structure: 'full', priorPrecision: 1.5 * factor })).predict({ x: fields.x })))
    close(posterior.fitted.scales.prior, [factors[tried.indexOf(Math.min(...tried))]!])
    expect(new Set(tried.map((v) => v.toFixed(3))).size).toBe(5)
  })
})

describe('function space', () => {
  it('some points stand for all', async () => {
    const problem = await g1(engine)
    const many = { ...problem, dataset: repeated(problem.dataset, 50), examples: 200 }
    const variance = async (options: Options): Promise<number> =>
      (await (await around(many, engine, options)).latent({ x: table([[4]]) })).covariance.data[0]!
    const [full, all, half] = [
      await variance({ structure: 'full' }),
      await variance({ structure: 'functional' }),
      await variance({ structure: 'functional', points: 100 }),
    ]
    close([all], [full])
    expect(half).not.toBe(all)
    expect(Math.abs(half / full - 1)).toBeLessThan(0.2)
  })
})

describe('units of the prior', () => {
  it('a decay λ of the mean loss is the precision N λ, and is said', async () => {
    const problem = await g1(engine)
    const decayed = await said(problem, { structure: 'full', weightDecay: 0.5 })
    const precise = await said(problem, { structure: 'full', priorPrecision: 2 })
    expect(decayed.posterior.evidence).toBe(precise.posterior.evidence)
    expect(decayed.posterior.evidence).toBeCloseTo(-4.2134831472, 4)
    expect(decayed.warnings).toEqual([expect.stringMatching(/^OCK-BAYES-002 .*prior precision 2 .*weight decay 0.5 .*4 examples/)])
    expect(precise.warnings).toEqual([])
  })

  it('a temperature of the likelihood is said', async () => {
    const { warnings } = await said(await g1(engine), { likelihoodTemperature: 0.1 })
    expect(warnings).toEqual([expect.stringMatching(/^OCK-BAYES-001 likelihoodTemperature is 0.1/)])
  })

  it('a prior that is not Gaussian is taken for precision 1, and that is said', async () => {
    for (const prior of [horseshoe({ scale: 1 }), laplacePrior({ scale: 1 })]) {
      const { posterior, warnings } = await said({ ...(await g1(engine)), prior }, { structure: 'full' })
      expect(warnings).toEqual([expect.stringMatching(/^OCK-LAPLACE-002 .*prior precision 1 .*priorPrecision/)])
      close(posterior.fitted.at.precision, [1, 1])
    }
  })
})
