/*
 * Monte-Carlo dropout. Gal, Ghahramani, "Dropout as a Bayesian approximation: representing model uncertainty in deep learning", ICML 2016,
 * arXiv 1506.02142.
 */
import { hostKey, InputError, slot } from 'ockham'
import type { Engine, HostKey, Inference, Optimizer, Posterior, Problem, Sampler, Value, Variables } from 'ockham'
import { z } from 'zod'
import { parametric } from '../../parts/networks/index.js'
import {
  average,
  descentShape,
  fromWeights,
  mapOptions,
  maximumAPosteriori,
  pointMass,
  predictor,
  savedWeights,
} from '../../parts/training/index.js'
import { dropping } from './dropping.js'

const mcDropoutShape = z.strictObject({
  ...descentShape,
  rate: z.number().positive().lt(1).default(0.1).describe('probability that a unit is dropped'),
  inputs: z.boolean().default(false).describe("drop units of the network's input too, not only before later linear layers"),
  samples: z.int().positive().default(30).describe('masks that a prediction averages'),
  after: slot('inference').optional().describe('what trains the network; map with the options here unless given'),
})

export const mcDropoutOptions = mcDropoutShape.refine(({ epochs, steps }) => epochs === undefined || steps === undefined, {
  error: 'epochs and steps are two ways to say how long: give epochs or steps, not both',
  path: ['steps'],
})

export type McDropoutOptions = Omit<z.output<typeof mcDropoutShape>, 'after' | 'optimizer' | 'sampler'> & {
  readonly after?: Inference | undefined
  readonly optimizer?: Optimizer | undefined
  readonly sampler?: Sampler | undefined
}

/** Weights that predict by the mean over masks; where no key is given, always over the same. */
function posteriorOf(problem: Problem, engine: Engine, vars: Variables<Value>, options: McDropoutOptions): Posterior {
  const at = predictor({ ...problem, model: dropping(parametric(problem.model), options, true) }, engine)
  return fromWeights(problem, engine, pointMass(vars), {
    async predict(x, { samples = options.samples, key = hostKey(0).fold('mc-dropout') }: { samples?: number; key?: HostKey } = {}) {
      const members = []
      for (let s = 0; s < samples; s++) members.push(await at(vars, x, key.fold(s)))
      return average(members)
    },
  })
}

const weightsOf = ({ weights }: Posterior): Variables<Value> => {
  if (weights) return weights.point()
  throw new InputError({
    code: 'OCK-DROPOUT-001',
    what: 'what trained the network has no weights',
    where: 'inference.after',
    remedy: 'choose an inference over weights, such as map',
  })
}

/** Learns with units dropped at random before the linear layers, and predicts by the mean of the predictive distributions of many masks. */
export const mcDropout = (options: McDropoutOptions, { engine }: { readonly engine: Engine }): Inference => {
  const { after, rate: _rate, inputs: _inputs, samples: _samples, ...descent } = options
  const trains =
    after ?? maximumAPosteriori({ ...mapOptions.parse({}), ...descent } as Parameters<typeof maximumAPosteriori>[0], { engine })
  return {
    async infer(problem, run) {
      const trained = await trains.infer({ ...problem, model: dropping(parametric(problem.model), options) }, run)
      return posteriorOf(problem, run.engine, weightsOf(trained), options)
    },
    restore: async (saved, problem) => posteriorOf(problem, engine, await savedWeights(saved, problem), options),
    plan: (problem) => ({ ...trains.plan?.(problem), samples: options.samples }),
  }
}
