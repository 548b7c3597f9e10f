/*
 * Wen, Tran, Ba, "BatchEnsemble: an alternative approach to efficient ensemble and lifelong learning", ICLR 2020, arXiv 2002.06715.
 */
import { InputError, slot, type Engine, type Inference, type Posterior, type Problem, type Value, type Variables } from 'ockham'
import { z } from 'zod'
import { drawsPosterior } from '../../parts/chains/index.js'
import { parametric } from '../../parts/networks/index.js'
import {
  adam,
  adamOptions,
  descentShape,
  flatten,
  initialVariables,
  mapOptions,
  maximumAPosteriori,
  unflatten,
} from '../../parts/training/index.js'
import { memberOf, shared, slowed } from './members.js'

const shape = z.strictObject({
  ...descentShape,
  members: z.int().min(2).default(4).describe('members, which share all kernels'),
  init: z.enum(['normal', 'signs']).default('normal').describe('factors of the kernels at their start: around 1, or 1 and −1'),
  deviation: z.number().positive().default(0.5).describe('of the factors from 1, where they start normal'),
  factorRate: z
    .number()
    .positive()
    .default(0.5)
    .describe('learning rate of the factors, as a multiple of that of the kernels; not with `after`'),
  after: slot('inference').optional().describe('what trains; map with the options here unless given'),
})

export const batchEnsembleOptions = shape.refine(({ epochs, steps }) => epochs === undefined || steps === undefined, {
  error: 'epochs and steps are two ways to say how long: give epochs or steps, not both',
  path: ['steps'],
})

type MapInput = Parameters<typeof maximumAPosteriori>[0]

export type BatchEnsembleOptions = Omit<z.output<typeof shape>, 'after' | 'optimizer' | 'sampler'> &
  Pick<MapInput, 'optimizer' | 'sampler'> & { readonly after?: Inference | undefined }

const kind = 'batch-ensemble'

/** The mixture of all members; saved as what they share and their factors. */
function posteriorOf(problem: Problem, engine: Engine, vars: Variables<Value>, members: number): Posterior {
  const { frozen } = vars
  const visited = Array.from({ length: members }, (_, m) => memberOf(vars, m))
  return {
    ...drawsPosterior(problem, engine, { frozen, visited }),
    save: () => ({ kind, values: flatten(vars), meta: { members } }),
  }
}

const refuse = (what: string, where: string, remedy: string): InputError =>
  new InputError({ code: 'OCK-BATCHENSEMBLE-002', what, where, remedy })

/** M members for little more than the memory of one network. */
export const batchEnsemble = (options: BatchEnsembleOptions, { engine }: { readonly engine: Engine }): Inference => {
  const { after, members, init, deviation, factorRate, ...descent } = options
  const optimizer = slowed(options.optimizer ?? adam(adamOptions.parse({})), factorRate)
  const trains = after ?? maximumAPosteriori({ ...mapOptions.parse({}), ...descent, optimizer } as MapInput, { engine })
  return {
    async infer(problem, run) {
      const base = parametric(problem.model)
      const { initial: _, ...rest } = problem
      const model = shared(base, { members, init, deviation }, (key) => initialVariables(problem, base, key))
      const { weights } = await trains.infer({ ...rest, model }, run)
      if (!weights)
        throw refuse('what trained the network has no weights', 'inference.after', 'choose an inference over weights, such as map')
      return posteriorOf(problem, run.engine, weights.point(), members)
    },
    restore(saved, problem) {
      if (saved.kind !== kind)
        throw refuse(`what was saved is a posterior of kind ${saved.kind}`, 'restore', 'restore it with the inference that made it')
      return posteriorOf(problem, engine, unflatten(saved.values), (saved.meta as { members: number }).members)
    },
    plan: (problem) => ({ ...trains.plan?.(problem), members }),
  }
}
