/* Two moons: the far field must become uncertain with context points, and is not without. */
import type { Dataset, Engine, Posterior, Problem } from 'ockham'
import { beforeAll, describe, expect, it } from 'vitest'
import { twoMoons, twoMoonsOptions } from '../../parts/datasets/index.js'
import { calibration, calibrationOptions, ood } from '../../parts/evaluation/index.js'
import { mlp, mlpOptions } from '../../parts/networks/index.js'
import { crossEntropy } from '../../parts/objectives/index.js'
import { normal } from '../../parts/priors/index.js'
import { adam, descend, fromWeights, pointMass } from '../../parts/training/index.js'
import { engines, testRun } from '../../parts/training/testing.js'
import { fseb } from './fseb.js'
import { options } from './testing.js'

describe('two moons', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await engines['onnxruntime']!()
  })
  const moons = (split?: string): Dataset => twoMoons(twoMoonsOptions.parse({ seed: 1, ...(split && { split }) }))
  const dataset = moons()

  const fit = async (prior: Problem['prior']): Promise<{ accuracy: number; ring: number; auroc: number }> => {
    const problem: Problem = {
      model: mlp(mlpOptions.parse({ hidden: [200, 200], activation: 'tanh', init: 'lecun' })),
      dataset,
      objective: crossEntropy(),
      prior,
      examples: 200,
    }
    const optimizer = adam({ learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })
    const { run } = testRun(engine)
    const { vars } = await descend(problem, run, {
      optimizer,
      steps: 600,
      size: 200,
      schedule: { kind: 'cosine', warmup: 0, floor: 0 },
    })
    const posterior: Posterior = fromWeights(problem, engine, pointMass(vars))
    const against = ood({ against: moons('ring'), score: 'entropy', split: 'test' }, { dataset })
    const inside = await calibration(calibrationOptions.parse({}), { dataset }).evaluate(posterior, problem, run)
    const { values } = await against.evaluate(posterior, problem, run)
    return { accuracy: inside.values['test/accuracy']!, ring: values['ood/entropy']!, auroc: values['test/auroc']! }
  }

  it('is uncertain far from the data with context points, where a maximum a posteriori fit is not', async () => {
    const regularised = await fit(
      fseb(options({ context: moons('grid'), contextSize: 128, points: 'context', covScale: 1e-3, covDiag: 1, priorVar: 100 })),
    )
    const plain = await fit(normal({ scale: 10 }))
    expect(regularised.accuracy).toBeGreaterThanOrEqual(0.94)
    expect(regularised.ring).toBeGreaterThanOrEqual(0.6)
    expect(regularised.auroc).toBeGreaterThanOrEqual(0.95)
    expect(plain.accuracy).toBeGreaterThanOrEqual(0.94)
    expect(plain.ring).toBeLessThanOrEqual(0.1)
    expect(plain.auroc).toBeLessThanOrEqual(0.5)
  })
})
