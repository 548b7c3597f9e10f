import {
  InputError,
  slot,
  type Engine,
  type Inference,
  type Optimizer,
  type Prior,
  type Problem,
  type Run,
  type Tensors,
  type Value,
  type Values,
  type Variables,
} from 'ockham'
import { type Scalar } from 'ockham/tensor'
import { z } from 'zod'
import { bind, parametric } from '../../parts/networks/index.js'
import { adam, adamOptions, descend, initialVariables, map, stepsPerEpoch, under } from '../../parts/training/index.js'
import { divergence, savedSpread, softplus, spreadPosterior } from './gaussian.js'
import { deviations, drawnPoint, spreadModel } from './spread-model.js'

const whole = z.int().positive()
const positive = z.number().positive()

export const variationalOptions = z.strictObject({
  after: slot('inference').optional().describe('what finds the first means; fresh weights, or those of `initial`, unless given'),
  estimator: z
    .enum(['local', 'flipout', 'weights'])
    .default('local')
    .describe('noise in the outputs of dense layers, signs of each example, or one draw of the weights a step; other layers draw weights'),
  epochs: whole.default(20).describe('rounds over the data'),
  batchSize: whole.default(128).describe('examples a batch'),
  optimizer: slot('optimizer').optional().describe('adam at 0.001 unless given'),
  deviation: positive.default(0.05).describe('standard deviation of every weight at the start'),
  klWeight: positive.default(1).describe('β: what the divergence from the prior is multiplied by; 1 is the evidence bound'),
  warmup: z.number().min(0).max(1).default(0).describe('share of the steps over which β rises from 0'),
  draws: whole.default(30).describe('weights that predict'),
  clip: positive.optional().describe('largest norm of the gradient'),
})

export type VariationalOptions = Omit<z.output<typeof variationalOptions>, 'after' | 'optimizer'> & {
  readonly after?: Inference | undefined
  readonly optimizer?: Optimizer | undefined
}

const kind = 'variational'

/**
 * Mean-field variational inference, Blundell et al. 2015: independent normal weights N(m, softplus(ρ)²) that minimise the mean loss + (β/N) KL(q ‖ p), the
 * loss at weights drawn a step. KL is in closed form where the prior is a diagonal Gaussian; else it is ln q(w) − ln p(w) at the draw, with `estimator:
 * weights`, and the gradient of ln q by its own parameters left out (Roeder et al. 2017). Twice the parameters; a step is two products where a layer has one.
 * Throws `OCK-VARIATIONAL-002` for a prior without a closed form and another estimator.
 */
export const variational = (options: VariationalOptions, { engine: outer }: { readonly engine: Engine }): Inference => ({
  async infer(given, run) {
    refuse(given.prior, options)
    const problem = options.after ? { ...given, initial: await run.infer('fit', options.after, given) } : given
    const base = parametric(problem.model)
    const start = (key: Parameters<typeof base.init>[0]): Promise<Variables<Value>> => initialVariables(problem, base, key)
    const begun = await start(run.key.fold('init').fold('model'))
    const { initial: _, ...rest } = problem
    const spread: Problem = {
      ...rest,
      model: spreadModel(base, options.estimator, start, options.deviation),
      prior: evidencePrior(problem, begun, options),
    }
    const { vars } = await descend(spread, run, {
      optimizer: options.optimizer ?? adam(adamOptions.parse({})),
      steps: options.epochs * stepsPerEpoch(problem.examples, options.batchSize),
      size: options.batchSize,
      ...(options.clip !== undefined && { clip: options.clip }),
    })
    const learnt = {
      vars: { ...vars, params: under('mean.', vars.params) },
      deviation: map(under('rho.', vars.params), (r): Value => ({ ...r, data: Float32Array.from(r.data, softplus) })),
    }
    return spreadPosterior(problem, run.engine, learnt, options.draws, kind)
  },
  restore(saved, problem) {
    const { evidence, ...spread } = savedSpread(saved, kind)
    return spreadPosterior(problem, outer, spread, options.draws, kind, evidence)
  },
  plan: (problem) => ({ ...options.after?.plan?.(problem), steps: options.epochs * stepsPerEpoch(problem.examples, options.batchSize) }),
})

/** Refuses an estimator that wants the divergence in closed form where there is none. Throws `OCK-VARIATIONAL-002`. */
function refuse(prior: Prior, { estimator }: VariationalOptions): void {
  if (prior.gaussian || estimator === 'weights') return
  throw new InputError({
    code: 'OCK-VARIATIONAL-002',
    what: 'the divergence from this prior has no closed form, and is taken at drawn weights',
    where: 'inference.estimator',
    remedy: 'choose the estimator weights, or a normal prior',
  })
}

/** β KL(q ‖ prior) as the energy of a prior over `mean.*` and `rho.*`. */
function evidencePrior({ prior, model }: Problem, begun: Variables<Value>, { klWeight, warmup }: VariationalOptions): Prior {
  const gaussian = prior.gaussian?.(begun)
  const factor = (progress: Scalar): Scalar =>
    warmup === 0 ? progress.mul<Scalar>(0).add(klWeight) : progress.div<Scalar>(warmup).minimum<Scalar>(1).mul(klWeight)
  const base = parametric(model)
  return {
    ...(prior.init && { init: (problem, vars, key) => prior.init!(problem, { ...vars, params: under('mean.', vars.params) }, key) }),
    ...(prior.feed && { feed: prior.feed.bind(prior) }),
    energy(step) {
      const { engine, net, progress } = step
      const mean = under('mean.', net.vars.params)
      const s = deviations(under('rho.', net.vars.params))
      if (gaussian) {
        const held = (t: Values): Tensors => engine.capture(t)
        return divergence(mean, s, { mean: held(gaussian.mean), precision: held(gaussian.precision) }).mul(factor(progress))
      }
      const names = Object.keys(mean)
      const points = net.points(step.x, names.map(drawnPoint))
      const drawn = Object.fromEntries(names.map((name) => [name, points[drawnPoint(name)]!]))
      const asked = prior.energy({ ...step, net: bind(base, { ...net.vars, params: drawn }, step.key.fold('net'), true) })
      const { energy, memory } = 'energy' in asked ? asked : { energy: asked, memory: step.memory }
      return { energy: energy.add(logDensity(drawn, mean, s, engine)).mul(factor(progress)), memory }
    },
  }
}

/** ln q(w) up to a constant at a draw, its parameters held: −Σ (½ ((w − m)/s)² + ln s). */
function logDensity(w: Tensors, mean: Tensors, s: Tensors, engine: Run['engine']): Scalar {
  const held = (t: Tensors): Tensors => map(t, (x) => engine.stop(x))
  const [m, d] = [held(mean), held(s)]
  const terms = Object.entries(w).map(([name, x]) => x.sub(m[name]!).div(d[name]!).square().mul(0.5).add(d[name]!.log()).sum().neg())
  return terms.reduce((a, b) => a.add(b)) as Scalar
}
