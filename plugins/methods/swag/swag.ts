import { hostKey, InputError, slot } from 'ockham'
import type { Engine, HostKey, Inference, Optimizer, Posterior, Problem, Saved, Value, Variables } from 'ockham'
import { z } from 'zod'
import { parametric } from '../../parts/networks/index.js'
import {
  averagedOver,
  descend,
  flatten,
  fromWeights,
  initialVariables,
  prefix,
  refresh,
  refresher,
  sgd,
  sgdOptions,
  stepsPerEpoch,
  under,
  unflatten,
  type Refresher,
} from '../../parts/training/index.js'
import { centre, drawn, noiseOf } from './gaussian.js'
import { restoredMoments, savedMoments, Trajectory, type Moments } from './moments.js'
import { averagingFactor } from './schedule.js'

const whole = z.int().positive()

const swagShape = z.strictObject({
  after: slot('inference').optional().describe('what trains the network first; then all epochs collect, at the constant learning rate'),
  form: z
    .enum(['average', 'diagonal', 'low-rank'])
    .default('low-rank')
    .describe('the mean of the weights alone (SWA), a variance a weight, or that with the last deviations as directions'),
  epochs: whole.default(20).describe('rounds over the data, those before the first collection included'),
  start: z.int().min(0).optional().describe('epochs before weights are collected; with `after` none, else four fifths of them'),
  every: whole.default(1).describe('epochs between collections'),
  rank: z.int().min(2).default(20).describe('deviations that are kept'),
  learningRate: z.number().positive().default(0.01).describe('while weights are collected'),
  initialRate: z.number().positive().default(0.05).describe('at the beginning, where nothing trained before'),
  optimizer: slot('optimizer')
    .optional()
    .describe('sgd with momentum 0.9 at the two rates, unless given; its own rate is then that at the beginning'),
  batchSize: whole.default(128).describe('examples a batch'),
  scale: z.number().positive().default(1).describe('factor on the covariance; the paper’s program predicts with a half'),
  draws: whole.default(30).describe('weights that predict'),
  refresh: z.boolean().default(true).describe('find batch norm’s statistics anew for the mean and for every draw'),
  clip: z.number().positive().optional().describe('largest norm of the gradient'),
})

export const swagOptions = swagShape.refine(({ epochs, start }) => start === undefined || start < epochs, {
  error: 'nothing would be collected: start must be below epochs',
  path: ['start'],
})

export type SwagOptions = Omit<z.output<typeof swagShape>, 'after' | 'optimizer'> & {
  readonly after?: Inference | undefined
  readonly optimizer?: Optimizer | undefined
}

/** Epochs before the first collection. */
const startOf = ({ start, after, epochs }: SwagOptions): number => start ?? (after ? 0 : Math.floor(0.8 * epochs))

/**
 * SWA (Izmailov et al. 2018) and SWAG (Maddox et al. 2019): descent at a learning rate that keeps the weights moving; their mean, and a Gaussian
 * N(mean, scale · (½ diag(d) + D Dᵀ/(2(K−1)))) around it. Predictions average those of `draws` weights, each with batch-norm statistics of its own.
 * Beside training, memory is (K + 2) times the weights, on the host; a look at the weights an epoch is all that a step's time grows by.
 * Throws `OCK-SWAG-001` for a posterior of another kind; warns `OCK-SWAG-002` where fewer than two weights were collected.
 */
export const swag = (options: SwagOptions, { engine: outer }: { readonly engine: Engine }): Inference => ({
  async infer(given, run) {
    const problem = options.after ? { ...given, initial: await run.infer('fit', options.after, given) } : given
    const perEpoch = stepsPerEpoch(problem.examples, options.batchSize)
    const start = startOf(options)
    const vars = await initialVariables(problem, parametric(problem.model), run.key.fold('init').fold('model'))
    const trajectory = new Trajectory(
      vars.params,
      options.every * perEpoch,
      start * perEpoch,
      options.form === 'low-rank' ? options.rank : 0,
    )
    const first = start === 0 ? options.learningRate : options.initialRate
    const found = await descend(problem, run, {
      optimizer: options.optimizer ?? sgd(sgdOptions.parse({ learningRate: first })),
      steps: options.epochs * perEpoch,
      size: options.batchSize,
      ...(start > 0 && {
        schedule: {
          factor: (step: number) => averagingFactor(Math.floor(step / perEpoch), start, options.learningRate / options.initialRate),
        },
      }),
      ...(options.clip !== undefined && { clip: options.clip }),
      collect: trajectory,
    })
    if (trajectory.moments.count < 2)
      run.emit({
        type: 'warning',
        code: 'OCK-SWAG-002',
        message: 'fewer than two weights were collected: there is no spread; raise epochs, or lower start or every',
      })
    const { moments } = trajectory
    const mean = moments.count > 0 ? { ...found.vars, params: centre(moments) } : found.vars
    const settled = options.refresh ? await refresh(problem, run, mean, { size: options.batchSize }) : mean
    return posteriorOf(problem, run.engine, { moments, vars: settled }, options)
  },
  restore: (saved, problem) => posteriorOf(problem, outer, restored(saved), options),
  plan: (problem) => ({
    ...options.after?.plan?.(problem),
    swagSteps: options.epochs * stepsPerEpoch(problem.examples, options.batchSize),
    collected: Math.floor((options.epochs - startOf(options)) / options.every),
  }),
})

interface Learnt {
  readonly moments: Moments
  /** The mean, or the last weights where nothing was collected, with what is frozen and the state that belongs to them. */
  readonly vars: Variables<Value>
}

function posteriorOf(problem: Problem, engine: Engine, { moments, vars }: Learnt, options: SwagOptions): Posterior {
  const { form, scale, draws, batchSize: size } = options
  let refreshed: Refresher | undefined
  const stateAt = async (at: Variables<Value>, key: HostKey): Promise<Variables<Value>['state']> =>
    options.refresh ? (await (refreshed ??= refresher(problem, engine, { size }))(at, key)).state : vars.state
  const moved = (key: HostKey): Variables<Value> => ({ ...vars, params: drawn(moments, form, noiseOf(key, moments), scale) })
  // The draws that predict are the same for every input, so that their statistics are found once.
  const states = new Map<number, Promise<Variables<Value>['state']>>()
  const fixed = async (i: number): Promise<Variables<Value>> => {
    const key = hostKey(0).fold('swag').fold(i)
    const at = moved(key)
    if (!states.has(i)) states.set(i, stateAt(at, key.fold('refresh')))
    return { ...at, state: await states.get(i)! }
  }
  const plain = fromWeights(problem, engine, {
    point: () => vars,
    async sample(key) {
      const at = moved(key)
      return { ...at, state: await stateAt(at, key.fold('refresh')) }
    },
  })
  return {
    ...plain,
    ...(form !== 'average' && moments.count > 1 && { predict: averagedOver(problem, engine, plain, draws, fixed) }),
    save: () => ({ kind: 'swag', values: { ...prefix('vars.', flatten(vars)), ...prefix('moments.', savedMoments(moments)) }, meta: null }),
  }
}

function restored({ kind, values }: Saved): Learnt {
  if (kind === 'swag') return { vars: unflatten(under('vars.', values)), moments: restoredMoments(under('moments.', values)) }
  throw new InputError({
    code: 'OCK-SWAG-001',
    what: `what was saved is a posterior of kind ${kind}, not swag`,
    where: 'restore',
    remedy: 'restore it with the inference that made it',
  })
}
