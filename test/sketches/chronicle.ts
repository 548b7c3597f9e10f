/*
 * Expert surveys asked again and again: did opinion move between editions, or the wording? Cumulative logit with a random walk
 * over editions; likelihoods near −14,558 nats are compared, so value, gradient and Hessian are computed in float64.
 */
import type { Engine, Evaluation, HostKey, Inference, Key, Model, Objective, Posterior, Prior, Problem } from 'ockham'
import type { Tensors, Value, Values } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { asBatch, cholesky, derivatives, everyRow, fromWeights, jointPass, like, parametric, prefix } from './parts.js'
import { solveFactored, under, value } from './parts.js'

/** An ordinary model: x is the number of the edition, outputs are log P(option | edition), [n, K]. */
export const opinionDrift = (o: { readonly options: number; readonly editions: number }): Model => ({
  init: () => ({
    params: { 'cut.first': value([-1]), 'cut.gap': value(new Float32Array(o.options - 2)), drift: value(new Float32Array(o.editions - 1)) },
    frozen: {},
    state: {},
  }),
  apply({ params }, x) {
    const cuts = tf.concat([params['cut.first']!, params['cut.gap']!.exp()]).cumsum() // [K − 1], increasing
    const level = tf.concat([tf.zeros([1]), params['drift']!]).cumsum() // [editions], zero at the first
    const below = cuts
      .expandDims(0)
      .sub(tf.gather(level, (x as Tensor).cast('int32')).expandDims(1))
      .sigmoid() // [n, K − 1]
    const ends = below.shape.map((n, axis) => (axis === 0 ? n : 1))
    return tf
      .concat([below, tf.ones(ends)], 1)
      .sub(tf.concat([tf.zeros(ends), below], 1))
      .log()
  },
})

/** Rows are cells of (edition, option) with their counts as weights: two editions of five options are ten rows. */
export const multinomial: Objective = {
  loss: (logP, { y }) => ({
    loss: tf.oneHot(y.cast('int32'), logP.shape[1]!).mul(logP).sum(1).neg(),
  }),
  predict: (logP) => ({ kind: 'categorical', probabilities: logP.exp() }),
}

export const randomWalk = (o: { readonly deviation: number; readonly years: readonly number[] }): Prior => {
  const variances = o.years.map((gap) => gap * o.deviation ** 2)
  return {
    energy: ({ net }): Scalar => net.vars.params['drift']!.square().div(tf.tensor1d(variances)).sum<Scalar>().div(2),
    gaussian({ params }) {
      const flat = like(params) // no prior on the cuts
      return { mean: flat, precision: { ...flat, drift: value(variances.map((v) => 1 / v)) } }
    },
  }
}

/** The values moved down by a step [P, 1]. */
declare const lowered: (values: Values, step: Value) => Values
declare const normalDraw: (mean: Values, choleskyOfPrecision: Value, key: HostKey) => Values
/** ½ log det 2π H⁻¹, and −½ log det 2π Λ⁻¹ of the prior, whose energy leaves constants out. */
declare const logVolume: (L: Value) => number
declare const logDensityAtMode: (precision: Values | undefined) => number

const posteriorAt = (problem: Problem, engine: Engine, params: Values, L: Value, evidence: number): Posterior => {
  const at = (p: Values): { params: Values; frozen: Values; state: Values } => ({ params: p, frozen: {}, state: {} })
  const weights = { point: () => at(params), sample: async (key: HostKey) => at(normalDraw(params, L, key)) }
  const save = () => ({ kind: 'newton', values: { ...prefix('params.', params), L }, meta: evidence })
  return fromWeights(problem, engine, weights, { evidence, save })
}

/** Nats of the whole data set with both derivatives, traced. */
const energyOf = (problem: Problem, engine: Engine) => (a: { params: Tensors; data: Tensors; key: Key }) => {
  const none = { objective: {}, prior: {} }
  const total = (params: Tensors): Scalar => {
    const rest = { batch: asBatch(a.data), memory: none, feed: none, key: a.key, engine, progress: tf.scalar(0) }
    const pass = jointPass(problem, { ...rest, vars: { params, frozen: {}, state: {} } })
    return pass.loss.mul(pass.weight).sum<Scalar>().add(pass.energy)
  }
  return { nats: total(a.params), ...derivatives(engine, total, a.params) }
}

/** The mode by Newton's method and a normal with the exact Hessian; the traced code is the same, run in double precision. */
export const newton = (o: { readonly steps: number }, { engine }: { readonly engine: Engine }): Inference => ({
  async infer(problem, run) {
    let { params } = await parametric(problem.model).init(run.key.fold('init'), problem.dataset.meta)
    const data = await problem.dataset.read('train', everyRow(problem.examples))
    const energy = run.engine.compile(energyOf(problem, run.engine), { precision: 'float64' })
    const at = (p: Values) => energy({ params: p, data, key: run.key })
    for (let t = 0; t < o.steps; t++) {
      const { gradient, hessian } = await at(params)
      params = lowered(params, solveFactored(cholesky(hessian), gradient))
    }
    const { nats, hessian } = await at(params)
    const L = cholesky(hessian)
    const constant = logDensityAtMode(problem.prior.gaussian?.({ params, frozen: {}, state: {} }).precision)
    return posteriorAt(problem, run.engine, params, L, constant + logVolume(L) - nats.data[0]!)
  },
  restore: ({ values, meta }, problem) => posteriorAt(problem, engine, under('params.', values), values['L']!, Number(meta)),
})

/** How far opinion moved between the last two editions, and how much better that explains the answers than no movement. */
export const change = (o: { readonly inference: Inference; readonly still: Prior; readonly draws: number }): Evaluation => ({
  async evaluate(posterior, problem, run) {
    const still = await run.infer('still', o.inference, { ...problem, prior: o.still })
    const shifts: number[] = []
    for (let i = 0; i < o.draws; i++) {
      const { params } = await posterior.weights!.sample(run.key.fold('draw').fold(i))
      shifts.push(params['drift']!.data.at(-1)!)
    }
    const up = shifts.filter((shift) => shift > 0).length / o.draws
    return { values: { 'train/log-bayes-factor': posterior.evidence! - still.evidence!, 'train/moved-up': up } }
  },
})
