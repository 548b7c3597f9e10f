import type { Posterior, Problem, Run } from 'ockham'
import { describe, expect, it } from 'vitest'
import { average, value } from '../training/index.js'
import { inMemory } from '../training/testing.js'
import { calibration, calibrationOptions, mixtureNll, normalNll } from './index.js'

/** Three members that say different things of one number: brief section 7 of the Bayesian suite. */
const [means, variances] = [
  [1, 1.4, 0.8],
  [0.2, 0.1, 0.4],
]

describe('mixtures of normals', () => {
  it('have a score of their own', () => {
    expect(mixtureNll(means, variances, [1.5])).toBeCloseTo(0.3958088052, 9)
    expect(normalNll([16 / 15], [0.2955555556], [1.5])).toBeCloseTo(0.6271584788, 9)
    const each = means.map((m, i) => normalNll([m], [variances[i]!], [1.5]))
    expect(each.reduce((a, b) => a + b) / 3).toBeCloseTo(0.5433862436, 9)
  })

  it('of dropout: four draws at precision 10, brief section 6', () => {
    const draws = [1, 1.2, 0.7, 1.1]
    const noise = draws.map(() => 0.1)
    expect(-mixtureNll(draws, noise, [1.05])).toBeCloseTo(0.0729910211, 9)
    const of = (v: number) => value([v], [1, 1])
    const p = average(draws.map((d) => ({ kind: 'normal', mean: of(d), variance: of(0.1), noise: of(0.1) })))
    if (p.kind !== 'normal') throw new Error('numbers are predicted')
    expect(p.variance.data[0]).toBeCloseTo(0.135, 6)
  })

  it('mix the outputs of an example together, not one by one', () => {
    // Members that are each right in one of two outputs: jointly neither is.
    const both = mixtureNll([0, 5, 5, 0], [1, 1, 1, 1], [0, 0], 2)
    expect(both).toBeCloseTo(Math.log(2 * Math.PI) + 12.5, 9)
    expect(mixtureNll([0, 5], [1, 1], [0])).toBeCloseTo(0.5 * Math.log(2 * Math.PI) + Math.log(2), 5)
  })

  it.each([undefined, { mean: [10], std: [4] }])(
    'calibration tells it, and the parts of the variance, in units of the target %j',
    async (target) => {
      const { std } = target ?? { std: [1] }
      const column = (x: number) => value([x, x], [2, 1])
      const test = { x: value([0, 1], [2, 1]), y: column(1.5) }
      const dataset = { ...inMemory({ train: test, test }), ...(target && { target }) }
      const posterior = {
        predict: () =>
          Promise.resolve(
            average(
              means.map((m, i) => ({ kind: 'normal', mean: column(m), variance: column(variances[i]!), noise: column(variances[i]!) })),
            ),
          ),
      } as Pick<Posterior, 'predict'> as Posterior
      const { values } = await calibration(calibrationOptions.parse({}), { dataset }).evaluate(
        posterior,
        { dataset } as unknown as Problem,
        {} as Run,
      )
      expect(values['test/nll']).toBeCloseTo(0.6271584788 + Math.log(std[0]!), 5)
      expect(values['test/mixture-nll']).toBeCloseTo(0.3958088052 + Math.log(std[0]!), 5)
      expect(values['test/aleatoric']).toBeCloseTo(Math.sqrt(0.2333333333) * std[0]!, 5)
      expect(values['test/epistemic']).toBeCloseTo(Math.sqrt(0.0622222222) * std[0]!, 5)
    },
  )
})
