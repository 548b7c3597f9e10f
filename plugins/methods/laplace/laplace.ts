import type { Engine, Inference, Problem, Run } from 'ockham'
import { warnOfTemperature } from '../../parts/bayes/index.js'
import { fitOf, predictionsOf } from '../../parts/evaluation/index.js'
import { mapOptions, maximumAPosteriori, type MapOptions, stepsPerEpoch } from '../../parts/training/index.js'
import { curve, rehearse, type Curved } from './curve.js'
import { fixedPoint, type Tuned } from './evidence.js'
import { finish, fittedOf, weightsOf } from './finish.js'
import { online } from './online.js'
import type { LaplaceOptions } from './options.js'
import { posteriorOf, restored } from './posterior.js'
import { refuse } from './refusals.js'

/** A Gaussian around trained weights, its precision the curvature of the energy there. */
export const laplace = (options: LaplaceOptions, { engine: outer }: { readonly engine: Engine }): Inference => {
  const after = options.after ?? maximumAPosteriori(mapOptions.parse({}) as MapOptions, { engine: outer })
  return {
    async infer(problem, run) {
      refuse(problem)
      // Where nothing is trained there is nothing to say it before.
      if (after.plan?.(problem)['steps'] !== 0) await rehearse(problem, run, options)
      warnOfTemperature(run, 'likelihoodTemperature', options.likelihoodTemperature)
      if (options.tune === 'online') return online(problem, run, after, options)
      const curved = await curve(problem, run, weightsOf(await run.infer('fit', after, problem)), options)
      return finish(problem, run, curved, await tuned(problem, run, curved, options), options)
    },
    restore: (saved, problem) => posteriorOf(problem, outer, restored(saved), options),
    plan: (problem) => ({
      ...after.plan?.(problem),
      curvatureSteps: stepsPerEpoch(problem.examples, options.size) * (options.structure === 'low-rank' ? options.rank : 1),
    }),
  }
}

async function tuned(problem: Problem, run: Run, curved: Curved, options: LaplaceOptions): Promise<Tuned> {
  const { setting } = curved
  const ones = new Float64Array(setting.at.groups).fill(1)
  if (options.tune !== 'none') await setting.curvature.prepare?.(run.engine)
  if (options.tune === 'evidence') return fixedPoint(setting, { noise: options.noise })
  if (options.tune === 'validation') return { prior: await byValidation(problem, run, curved, options), steps: options.grid.count }
  return { prior: ones, steps: 0 }
}

/** The factor with the least validation NLL, of a grid. */
async function byValidation(problem: Problem, run: Run, curved: Curved, options: LaplaceOptions): Promise<Float64Array> {
  const { from, to, count } = options.grid
  let best = { nll: Infinity, prior: new Float64Array(0) }
  for (let i = 0; i < count; i++) {
    const factor = Math.exp(Math.log(from) + (Math.log(to / from) * i) / (count - 1))
    const prior = new Float64Array(curved.at.groups).fill(factor)
    const posterior = posteriorOf(problem, run.engine, fittedOf(curved, { prior, steps: 0 }, options), options)
    const { nll } = fitOf(await predictionsOf(posterior, problem.dataset, 'validation'), 'validation')
    if (nll < best.nll) best = { nll, prior }
  }
  return best.prior
}
