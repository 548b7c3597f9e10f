import {
  slot,
  type Engine,
  type Inference,
  type Model,
  type Objective,
  type Optimizer,
  type Posterior,
  type Prior,
  type Problem,
  type Saved,
  type Tensors,
  type Value,
  type Values,
  type Variables,
} from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { z } from 'zod'
import { partsOf, viewOf } from '../../parts/datasets/index.js'
import { parametric } from '../../parts/networks/index.js'
import {
  descend,
  map,
  mapOptions,
  maximumAPosteriori,
  prefix,
  sgd,
  sgdOptions,
  split,
  stepsPerEpoch,
  under,
  value,
  type MapOptions,
} from '../../parts/training/index.js'
import { divergence, savedSpread, softplus, spreadPosterior, type Spread } from './gaussian.js'
import { boundNames, minimised } from './objectives.js'
import { deviations, spreadModel } from './spread-model.js'

const whole = z.int().positive()
const positive = z.number().positive()

export const pacBayesOptions = z.strictObject({
  prior: slot('inference')
    .optional()
    .describe('what learns the prior’s means from its own share of the data; map with its defaults unless given'),
  share: z.number().gt(0).lt(1).default(0.5).describe('share of the training data that the prior sees; the bound is about the rest'),
  splitSeed: z.int().min(0).default(0).describe('which examples those are'),
  deviation: positive.default(0.03).describe('standard deviation of every random weight in the prior'),
  minimise: z.enum(boundNames).default('pac-bayes-kl').describe('the bound that the posterior minimises'),
  floor: z.number().gt(0).lt(1).default(1e-4).describe('probabilities below this count as this, so that the loss is bounded'),
  epochs: whole.default(5).describe('rounds over all training data in which the posterior moves from the prior'),
  batchSize: whole.default(250).describe('examples a batch'),
  optimizer: slot('optimizer').optional().describe('sgd at 0.001 with momentum 0.95 unless given'),
  delta: z.number().gt(0).lt(1).default(0.025).describe('failure probability in the bound that is minimised'),
  draws: whole.default(30).describe('weights that predict'),
})

export type PacBayesOptions = Omit<z.output<typeof pacBayesOptions>, 'prior' | 'optimizer'> & {
  readonly prior?: Inference | undefined
  readonly optimizer?: Optimizer | undefined
}

/** A posterior that a PAC-Bayes bound can be about. */
export interface PacBayesPosterior extends Posterior {
  readonly pacBayes: {
    readonly posterior: Spread
    /** Means and deviation of the prior, of the same weights. */
    readonly prior: { readonly mean: Values; readonly deviation: number }
    /** Training rows that the prior did not see. */
    readonly rows: Int32Array
    readonly share: number
  }
}

const kind = 'pac-bayes'

/** Weights of dense layers are random; the rest of the network is as the prior's data left it, and costs nothing. */
const isRandom =
  (params: Values) =>
  (name: string): boolean => {
    const layer = name.replace(/\.(kernel|bias)$/, '')
    return params[`${layer}.kernel`]?.shape.length === 2
  }

/** Cross-entropy of probabilities that are not below `floor`, as a share of its largest value ln(1/floor): a loss in [0, 1]. */
const boundedLoss =
  (floor: number): Objective['loss'] =>
  (logits, batch) => {
    const logs = tf.logSoftmax(logits)
    const right = logs.mul(tf.oneHot(batch.y as Parameters<typeof tf.oneHot>[0], logs.shape[1]!)).sum(1)
    return { loss: right.maximum(Math.log(floor)).div(Math.log(floor)) }
  }

/**
 * A stochastic network with a risk certificate, Pérez-Ortiz et al. 2021: the means of the prior are learnt from a declared share of the training data; the
 * posterior, independent normal weights around means of its own, minimises a PAC-Bayes bound over all of the data; the bound `pac-bayes` then holds on the
 * rest. Noise is that of each example (Kingma et al. 2015), which for dense layers is the law of weights drawn anew for every example.
 */
export const pacBayes = (options: PacBayesOptions, { engine: outer }: { readonly engine: Engine }): Inference => {
  const first = options.prior ?? maximumAPosteriori(mapOptions.parse({}) as MapOptions, { engine: outer })
  return {
    async infer(problem, run) {
      const parts = partsOf(problem.examples, options.share, options.splitSeed)
      const own: Problem = { ...problem, dataset: viewOf(problem.dataset, parts.prior), examples: parts.prior.length }
      const learnt = (await run.infer('prior', first, own)).weights!.point()
      const begun = split(learnt, isRandom(learnt.params))
      const base = parametric(problem.model)
      const { initial: _, ...rest } = problem
      const { vars } = await descend(
        {
          ...rest,
          model: spreadModel(base, 'local', () => Promise.resolve(begun), options.deviation),
          objective: { ...problem.objective, loss: boundedLoss(options.floor) },
          prior: minimising(begun, parts.bound.length, options),
        },
        run,
        {
          optimizer: options.optimizer ?? sgd(sgdOptions.parse({ learningRate: 0.001, momentum: 0.95 })),
          steps: options.epochs * stepsPerEpoch(problem.examples, options.batchSize),
          size: options.batchSize,
        },
      )
      const posterior: Spread = {
        vars: { ...begun, params: under('mean.', vars.params) },
        deviation: map(under('rho.', vars.params), (r): Value => ({ ...r, data: Float32Array.from(r.data, softplus) })),
      }
      return posteriorOf(problem, run.engine, posterior, begun.params, options)
    },
    restore: (saved, problem) => posteriorOf(problem, outer, savedSpread(saved, kind), under('prior.', saved.values), options),
    plan: (problem) => ({
      priorExamples: Math.round(options.share * problem.examples),
      steps: options.epochs * stepsPerEpoch(problem.examples, options.batchSize),
    }),
  }
}

function posteriorOf(problem: Problem, engine: Engine, posterior: Spread, priorMean: Values, options: PacBayesOptions): PacBayesPosterior {
  const { share, splitSeed, deviation, draws } = options
  const plain = spreadPosterior(problem, engine, posterior, draws, kind)
  return {
    ...plain,
    pacBayes: { posterior, prior: { mean: priorMean, deviation }, rows: partsOf(problem.examples, share, splitSeed).bound, share },
    save: (): Saved => {
      const { values, ...saved } = plain.save()
      return { ...saved, values: { ...values, ...prefix('prior.', priorMean) } }
    },
  }
}

/** What turns the mean loss L into the bound: N (bound(L, B) − L), so that the step minimises the bound itself. */
function minimising(begun: Variables<Value>, n: number, { deviation, minimise, delta, floor }: PacBayesOptions): Prior {
  const precision = map(begun.params, ({ shape, data }) => value(new Float32Array(data.length).fill(1 / (deviation * deviation)), shape))
  const constant = Math.log((2 * Math.sqrt(n)) / delta)
  const losses = boundedLoss(floor)
  return {
    energy(step) {
      const { engine, net, batch, y, examples } = step
      const held = (t: Values): Tensors => engine.capture(t)
      const kl = divergence(under('mean.', net.vars.params), deviations(under('rho.', net.vars.params)), {
        mean: held(begun.params),
        precision: held(precision),
      })
      const b = kl.add<Scalar>(constant).div<Scalar>(n)
      const { loss } = losses(y, batch, step)
      const mean = loss.mul(batch.weight).sum().div<Scalar>(batch.weight.sum())
      return minimised(minimise, mean, b, engine).sub<Scalar>(mean).mul(examples)
    },
  }
}

/** The network with weights drawn anew for every example, and otherwise as in prediction. */
export const drawing = (base: Model): Model => {
  const still: Model = {
    init: (key, meta) => base.init(key, meta),
    apply: (vars, x, call) => base.apply(vars, x, { ...call, train: false }),
  }
  return spreadModel(still, 'local', () => Promise.reject(new Error('its variables are given')), 1)
}
