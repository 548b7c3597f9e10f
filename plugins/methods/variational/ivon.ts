import { slot, type Engine, type Inference, type Optimizer, type Tensors, type Value, type Values } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { decayOfPrecision, precisionOfDecay } from '../../parts/bayes/index.js'
import { descend, floats, like, map, prefix, stepsPerEpoch, under, value, zip } from '../../parts/training/index.js'
import { savedSpread, spreadPosterior } from './gaussian.js'

const positive = z.number().positive()
const share = z.number().min(0).lt(1)

const step = {
  learningRate: positive.default(0.1).describe('size of a step; as large as stays stable'),
  curvature: positive.default(1).describe('h at the start'),
  beta1: share.default(0.9).describe('share of the running gradient that is kept'),
  beta2: share.default(0.99999).describe('share of the running curvature that is kept'),
  weightDecay: positive.default(1e-4).describe('δ on the mean loss: prior precision is the effective size times this'),
  effectiveSize: positive.optional().describe('examples that the likelihood counts for; as many as there are unless given'),
  samples: z.int().positive().default(1).describe('noisy gradients a step'),
  clip: positive.optional().describe('largest size of one coordinate of the step’s gradient part'),
  rescale: z.boolean().default(true).describe('multiply the learning rate by h₀ + δ, so that its first steps are those of descent'),
}

export const ivonStepOptions = z.strictObject(step)
export type IvonStep = z.output<typeof ivonStepOptions>

/** e of a draw: normal numbers over √(λ (h + δ)), λ the effective size. */
const spread = (h: Tensors, lambda: number, delta: number): Tensors => map(h, (x) => x.add(delta).mul(lambda).rsqrt())

/** f = g e λ (h + δ), an estimate of the curvature of the mean loss that may be of either sign: `products` g e, `precision` h + δ. */
export const sampledCurvature = (products: Tensor, precision: Tensor, lambda: number): Tensor => products.mul(precision).mul(lambda)

/**
 * The step of IVON, Shen et al. 2024, algorithm 1: the gradient g of the mean loss at θ + e, e ~ N(0, 1/(λ (h + δ)));
 * m ← β₁ m + (1 − β₁) g; f = g e λ (h + δ); h ← β₂ h + (1 − β₂) f + ½ (1 − β₂)² (h − f)²/(h + δ), which stays above −δ;
 * θ ← θ − α (m/(1 − β₁ᵗ) + δ θ)/(h + δ). Its posterior is N(θ, 1/(λ (h + δ))). The decay δ is its prior: use it with the prior `flat`.
 */
export const ivonStep = (o: IvonStep): Optimizer => ({
  decays: true,
  init: (params) => ({ ...prefix('m.', like(params)), ...prefix('h.', like(params, o.curvature)), decay: value([1], []) }),
  update({ params, memory, gradient, key, rate, examples }) {
    const [m, h] = [under('m.', memory), under('h.', memory)]
    const lambda = o.effectiveSize ?? examples
    const s = spread(h, lambda, o.weightDecay)
    const draws = Array.from({ length: o.samples }, (_, k) => {
      const e = map(s, (d, name) => d.mul(key.fold('noise').fold(k).fold(name).normal(d.shape)))
      const g = gradient(zip(params, e, (p, d) => p.add(d)))
      return { g, f: zip(g, e, (x, d) => x.mul(d)) }
    })
    const mean = (of: 'g' | 'f'): Tensors => map(params, (_, name) => tf.addN(draws.map((d) => d[of][name]!)).div(o.samples))
    const [g, ge] = [mean('g'), mean('f')]
    const momentum = zip(m, g, (a, b) => a.mul(o.beta1).add(b.mul(1 - o.beta1)))
    const decay = memory['decay']!.mul<Scalar>(o.beta1)
    const next = map(h, (x, name) => {
      const precision = x.add(o.weightDecay)
      const f = sampledCurvature(ge[name]!, precision, lambda)
      const [kept, fresh] = [o.beta2, 1 - o.beta2]
      return x
        .mul(kept)
        .add(f.mul(fresh))
        .add(
          x
            .sub(f)
            .square()
            .div(precision)
            .mul(0.5 * fresh * fresh),
        )
    })
    const eta = rate.mul<Scalar>(o.learningRate * (o.rescale ? o.curvature + o.weightDecay : 1))
    const along = (name: string): Tensors[string] => {
      const precision = next[name]!.add(o.weightDecay)
      const part = momentum[name]!.div(tf.sub(1, decay)).div(precision)
      const clipped = o.clip === undefined ? part : part.clipByValue(-o.clip, o.clip)
      return clipped.add(params[name]!.mul(o.weightDecay).div(precision))
    }
    return {
      params: map(params, (p, name) => p.sub(along(name).mul(eta))),
      memory: { ...prefix('m.', momentum), ...prefix('h.', next), decay },
    }
  },
})

const whole = z.int().positive()

export const ivonOptions = z.strictObject({
  ...step,
  priorPrecision: positive.optional().describe('λ δ, in place of `weightDecay`: the prior stays the same whatever the number of examples'),
  after: slot('inference').optional().describe('what finds the first means'),
  epochs: whole.default(20).describe('rounds over the data'),
  batchSize: whole.default(128).describe('examples a batch'),
  schedule: z.enum(['constant', 'cosine']).default('cosine').describe('how the learning rate falls'),
  warmup: z.int().min(0).default(0).describe('steps of linear rise at the start'),
  draws: whole.default(30).describe('weights that predict'),
})

export type IvonOptions = Omit<z.output<typeof ivonOptions>, 'after'> & { readonly after?: Inference | undefined }

const kind = 'ivon'

/**
 * Improved variational online Newton, Shen et al. 2024: a normal posterior of independent weights at about the cost of Adam, by {@link ivonStep}. The prior
 * is normal with precision λ δ, whatever the problem's prior is, which should be `flat`.
 */
export const ivon = (options: IvonOptions, { engine: outer }: { readonly engine: Engine }): Inference => ({
  async infer(given, run) {
    const problem = options.after ? { ...given, initial: await run.infer('fit', options.after, given) } : given
    const lambda = options.effectiveSize ?? problem.examples
    const weightDecay = options.priorPrecision === undefined ? options.weightDecay : decayOfPrecision(options.priorPrecision, lambda)
    const { vars, memory } = await descend(problem, run, {
      optimizer: ivonStep({ ...options, weightDecay }),
      steps: options.epochs * stepsPerEpoch(problem.examples, options.batchSize),
      size: options.batchSize,
      schedule: { kind: options.schedule, warmup: options.warmup, floor: 0 },
    })
    const delta = precisionOfDecay(weightDecay, lambda)
    run.emit({ type: 'evaluation', name: kind, values: { 'train/prior-precision': delta, 'train/weight-decay': weightDecay } })
    const deviation: Values = map(under('h.', memory.optimizer), (h): Value => ({
      ...h,
      data: floats(h.data, (x: number) => 1 / Math.sqrt(lambda * x + delta)),
    }))
    return spreadPosterior(problem, run.engine, { vars, deviation }, options.draws, kind)
  },
  restore: (saved, problem) => spreadPosterior(problem, outer, savedSpread(saved, kind), options.draws, kind),
  plan: (problem) => ({ ...options.after?.plan?.(problem), steps: options.epochs * stepsPerEpoch(problem.examples, options.batchSize) }),
})
