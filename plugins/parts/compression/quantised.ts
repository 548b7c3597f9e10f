import type { Engine, Inference, Model, Optimizer, Posterior, Problem, Run, Value, Values, Variables } from 'ockham'
import { slot } from 'ockham'
import { z } from 'zod'
import { parametric } from '../networks/index.js'
import {
  adam,
  adamOptions,
  descend,
  mapOptions,
  maximumAPosteriori,
  stepsPerEpoch,
  unflatten,
  value,
  type MapOptions,
} from '../training/index.js'
import { coded, codebookName } from './coded.js'
import { knownOf, layoutOf, noWeights, unseen, withoutStart, type Starting } from './known.js'
import { asHalves, writeMessage } from './message.js'
import { assign, quantisers } from './quantiser.js'
import { received } from './received.js'
import { byName } from './subspace.js'

const quantisedShape = z.strictObject({
  after: slot('inference').describe('what finds the weights that are quantised'),
  levels: z.int().min(2).max(4096).default(5).describe('numbers that a weight can be; odd ones have a level at zero'),
  quantiser: z.enum(['uniform', 'kmeans']).default('kmeans').describe('how the first codebook is found'),
  epochs: z.number().min(0).default(5).describe('passes of quantisation-aware training, of weights and codebook together; 0 for none'),
  batchSize: z.int().positive().default(128).describe('examples a step'),
  optimizer: slot('optimizer').optional().describe('adam at a rate of 0.01 unless given'),
  schedule: z.enum(['constant', 'cosine']).default('cosine').describe('course of the learning rate'),
  state: z
    .enum(['refuse', 'code'])
    .default('refuse')
    .describe('running statistics, which learning changes and the message must say: refuse them, or code each as a half'),
  share: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'share of the training examples that the start is learnt from; the bound is about the rest; unless given, the start is drawn',
    ),
  prior: slot('inference').optional().describe('what learns the start from its share; map with its defaults unless given'),
  splitSeed: z.int().min(0).default(0).describe('which examples those are'),
})

export const quantisedOptions = quantisedShape.refine(({ share, prior }) => share !== undefined || prior === undefined, {
  error: 'prior learns the start from a share of the examples: say which share',
  path: ['share'],
})

export type QuantisedOptions = Omit<z.output<typeof quantisedShape>, 'after' | 'prior' | 'optimizer'> & {
  readonly after: Inference
  readonly prior?: Inference | undefined
  readonly optimizer?: Optimizer | undefined
}

/** An inference that can rebuild what a message stands for without having learnt it. */
export interface Decoding extends Inference {
  decode(bytes: Uint8Array, problem: Problem, run: Run): Promise<Posterior>
}

const concatenated = (values: Values): Float64Array =>
  Float64Array.from(Object.values(byName(values)).flatMap(({ data }) => Array.from(data)))

/**
 * Weights read through a learnt codebook of a few levels, and the message that says which level each has: after an inference finds
 * weights, they are quantised and trained on with the quantiser inside (straight through), and what is returned is what the message decodes to.
 * The start of the model is drawn from this inference's own key, so that a decoder finds it from the spec; with a `share`, it is learnt from these
 * examples, and the message from the others (the data-dependent prior of Lotfi et al. 2022).
 * Errors: `OCK-CODE-005` where the model has state, `-006` where learning starts from other weights, `-008` for a share without a subspace.
 */
export function quantised(options: QuantisedOptions, { engine }: { readonly engine: Engine }): Decoding {
  const starting = startingOf(options, engine)
  return {
    async infer(problem, run) {
      const at = await knownOf(problem, run, starting)
      const pinned: Problem = { ...withoutStart(problem, at), model: pinnedAt(parametric(problem.model), at.start) }
      const fit = await run.infer('fit', options.after, pinned)
      const fitted = fit.weights?.point()
      if (!fitted) throw noWeights('after')
      const { params, state, codebook } = await trained(pinned, fitted, options, run)
      const halves = asHalves(codebook)
      const symbols = assign(concatenated(params), halves)
      return received(problem, engine, at, writeMessage({ symbols, codebook: halves, plain: concatenated(state) }).bytes)
    },
    restore(saved, problem) {
      const { message, ...values } = saved.values
      const start = unflatten(values)
      const known = { start, layout: layoutOf(start, options.levels), ...unseen(problem, starting) }
      return received(problem, engine, known, Uint8Array.from(message!.data))
    },
    decode: async (bytes, problem, run) => received(problem, engine, await knownOf(problem, run, starting), bytes),
    plan(problem) {
      const rest = unseen(problem, starting).rows?.length ?? problem.examples
      const own = { ...problem, examples: rest }
      const start = problem.examples - rest
      return { ...(start > 0 && { startExamples: start }), ...options.after.plan?.(own), quantisedSteps: stepsOf(options, own) }
    },
  }
}

/** What the start follows from. */
const startingOf = ({ levels, state, share, prior, splitSeed: seed }: QuantisedOptions, engine: Engine): Starting => ({
  levels,
  state,
  ...(share !== undefined && {
    prior: { share, seed, inference: prior ?? maximumAPosteriori(mapOptions.parse({}) as MapOptions, { engine }) },
  }),
})

const stepsOf = ({ epochs, batchSize }: QuantisedOptions, { examples }: Problem): number =>
  Math.round(epochs * stepsPerEpoch(examples, Math.min(batchSize, Math.max(1, examples))))

interface Trained {
  readonly params: Values
  readonly state: Values
  readonly codebook: ArrayLike<number>
}

/** Quantisation-aware training from fitted weights; float weights and the codebook at its end. */
async function trained(
  problem: Problem,
  fitted: Variables<Value>,
  options: QuantisedOptions,
  run: Parameters<Inference['infer']>[1],
): Promise<Trained> {
  const { codebook } = quantisers[options.quantiser](concatenated(fitted.params), options.levels)
  const steps = stepsOf(options, problem)
  if (steps === 0) return { params: fitted.params, state: fitted.state, codebook }
  const start = { ...fitted, params: { ...fitted.params, [codebookName]: value(codebook) } }
  const model = pinnedAt(coded(parametric(problem.model)), start)
  const { initial: _, ...rest } = problem
  const { vars } = await descend({ ...rest, model }, run, {
    optimizer: options.optimizer ?? adam(adamOptions.parse({ learningRate: 0.01 })),
    steps,
    size: options.batchSize,
    schedule: { kind: options.schedule, floor: 0, warmup: 0 },
    name: 'quantise',
  })
  const { [codebookName]: levels, ...params } = vars.params
  return { params, state: vars.state, codebook: levels!.data.slice().sort() }
}

/** A model whose start is known. */
const pinnedAt = (model: Model, start: Variables<Value>): Model => ({
  init: () => start,
  apply: (vars, x, call) => model.apply(vars, x, call),
})
