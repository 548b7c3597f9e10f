import type { Engine, Inference, Problem } from 'ockham'
import { InputError } from 'ockham'
import { z } from 'zod'
import { fromWeights, pointMass, savedWeights } from './weights.js'

export const givenOptions = z.strictObject({})

const initial = ({ initial: posterior }: Problem) => {
  if (posterior) return posterior
  throw new InputError({
    code: 'OCK-TRAIN-009',
    what: 'the inference given learns nothing, and there is no initial posterior to take',
    where: 'initial',
    remedy: 'set initial to a posterior, a saved run or a file of weights',
  })
}

/** The initial posterior as it is; nothing is learnt. */
export const given = (_: z.output<typeof givenOptions>, { engine }: { readonly engine: Engine }): Inference => ({
  infer: async (problem) => initial(problem),
  restore: (saved, problem) => problem.initial ?? fromWeights(problem, engine, pointMass(savedWeights(saved))),
  plan: () => ({ steps: 0 }),
})
