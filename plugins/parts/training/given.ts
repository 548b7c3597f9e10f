import type { Engine, Inference, Problem } from 'ockham'
import { InputError } from 'ockham'
import { z } from 'zod'
import { parametric } from '../networks/index.js'
import { initialVariables } from './initial.js'
import { fromWeights, pointMass, savedWeights } from './weights.js'

export const givenOptions = z.strictObject({})

/** The posterior to take; undefined where the model itself brings weights. */
const initial = ({ initial: posterior, model }: Problem) => {
  if (posterior || ('pretrained' in model && model.pretrained)) return posterior
  throw new InputError({
    code: 'OCK-TRAIN-009',
    what: 'the inference given learns nothing, and there is no initial posterior to take',
    where: 'initial',
    remedy: 'set initial to a posterior, a saved run or a file of weights, or choose a model that brings its weights',
  })
}

/**
 * The initial posterior as it is; weights, from a file, a point estimate or the model itself, under the problem's model, which they must fit.
 * Nothing is learnt.
 */
export const given = (_: z.output<typeof givenOptions>, { engine }: { readonly engine: Engine }): Inference => ({
  async infer(problem, run) {
    const posterior = initial(problem)
    if (posterior && posterior.save().kind !== 'weights') return posterior
    const vars = await initialVariables(problem, parametric(problem.model), run.key.fold('init').fold('model'))
    return fromWeights(problem, engine, pointMass(vars))
  },
  restore: async (saved, problem) => problem.initial ?? fromWeights(problem, engine, pointMass(await savedWeights(saved, problem))),
  plan: () => ({ steps: 0 }),
})
