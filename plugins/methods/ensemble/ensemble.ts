/*
 * Deep ensembles. Lakshminarayanan, Pritzel, Blundell, "Simple and scalable predictive uncertainty estimation using deep ensembles",
 * NeurIPS 2017, arXiv 1612.01474.
 */
import { InputError, slot } from 'ockham'
import type { Engine, Inference, Posterior, Problem, Run, Saved } from 'ockham'
import { z } from 'zod'
import { parametric } from '../../parts/networks/index.js'
import { initialVariables, mapOptions, maximumAPosteriori, type MapOptions } from '../../parts/training/index.js'
import { ensembleOf, savedMembers } from './posterior.js'
import { readRuns } from './runs.js'

export const ensembleOptions = z.strictObject({
  of: slot('inference').optional().describe('what learns each member, or learnt the runs in from; map unless given'),
  members: z.int().positive().default(5).describe('networks that are learnt'),
  from: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('folders of finished runs, which are the members: nothing is learnt then; * in the last part stands for anything'),
})

export type EnsembleOptions = Omit<z.output<typeof ensembleOptions>, 'of'> & { readonly of?: Inference | undefined }

/** Members restored under the problem's model, which their weights must fit: `OCK-TRAIN-002`. */
async function restored(of: Inference, saved: readonly Saved[], problem: Problem): Promise<Posterior[]> {
  const members = []
  for (const one of saved) members.push(await of.restore(one, problem))
  return members
}

async function gathered(of: Inference, from: readonly string[], problem: Problem, run: Run): Promise<Posterior[]> {
  const members = await restored(of, readRuns(from), problem)
  if ('apply' in problem.model)
    for (const member of members)
      if (member.weights) await initialVariables({ ...problem, initial: member }, parametric(problem.model), run.key)
  return members
}

/**
 * Members that differ in their start and in the order of their data, each learnt in a stage of its own, or finished runs. What predicts is
 * the mean of their predictive distributions. A member that is finished is not learnt again on resume.
 */
export const ensemble = (options: EnsembleOptions, { engine }: { readonly engine: Engine }): Inference => {
  const of = options.of ?? maximumAPosteriori(mapOptions.parse({}) as MapOptions, { engine })
  return {
    async infer(problem, run) {
      if (options.from) return ensembleOf(await gathered(of, options.from, problem, run))
      const members = []
      for (let i = 0; i < options.members; i++) members.push(await run.infer(`member-${i}`, of, problem))
      return ensembleOf(members)
    },
    async restore(saved, problem) {
      if (saved.kind === 'ensemble') return ensembleOf(await restored(of, savedMembers(saved), problem))
      throw new InputError({
        code: 'OCK-ENSEMBLE-002',
        what: `what was saved is a posterior of kind ${saved.kind}, not an ensemble`,
        where: 'restore',
        remedy: 'restore it with the inference that made it',
      })
    },
    plan: (problem) => (options.from ? { steps: 0 } : { ...of.plan?.(problem), members: options.members }),
  }
}
