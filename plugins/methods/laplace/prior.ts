import type { Objective, Prior, Problem, Run, Tensors, Value, Values, Variables } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { inWords, precisionOfDecay, warnOfDecay } from '../../parts/bayes/index.js'
import { map } from '../../parts/training/index.js'
import type { Coordinates } from './coordinates.js'
import type { LaplaceOptions } from './options.js'

export interface Gaussian {
  readonly mean: Values
  readonly precision: Values
}

const filled = (params: Values, fill: number): Values =>
  map(params, (v): Value => ({ ...v, dtype: 'float64', data: new Float64Array(v.data.length).fill(fill) }))

/** The Gaussian that the weights are taken to come from: the options' where they say, else the prior's, else of precision 1. */
export function gaussianOf(
  problem: Problem,
  run: Pick<Run, 'emit'>,
  { params }: Variables<Value>,
  { priorPrecision, weightDecay }: Pick<LaplaceOptions, 'priorPrecision' | 'weightDecay'>,
): Gaussian {
  const constant = (precision: number): Gaussian => ({ mean: filled(params, 0), precision: filled(params, precision) })
  if (weightDecay !== undefined) {
    warnOfDecay(run, weightDecay, problem.examples)
    return constant(precisionOfDecay(weightDecay, problem.examples))
  }
  if (priorPrecision !== undefined) return constant(priorPrecision)
  const given = problem.prior.gaussian?.({ params, frozen: {}, state: {} })
  if (given) return given
  const message = `the prior is not Gaussian over weights, so that ${inWords(1, problem.examples)} is taken to start from; set priorPrecision, or choose the prior normal`
  run.emit({ type: 'warning', code: 'OCK-LAPLACE-002', message })
  return constant(1)
}

/** A Gaussian as a prior, with the precisions of some parameters multiplied by what tuning found. */
export function tunedPrior({ mean, precision }: Gaussian, at: Coordinates, factors: Float64Array): Prior {
  const scaled: Record<string, Value> = map(precision, (v) => ({ ...v, dtype: 'float32', data: Float32Array.from(v.data) }))
  for (const { param, at: from, size } of at.blocks) {
    const { data } = scaled[param]!
    for (let i = 0; i < size; i++) data[i]! *= factors[at.groupOf[from + i]!]!
  }
  const centre: Record<string, Value> = map(mean, (v) => ({ ...v, dtype: 'float32', data: Float32Array.from(v.data) }))
  return {
    energy({ net: { vars }, engine }): Scalar {
      const [m, p] = [engine.capture(centre), engine.capture(scaled)] as [Tensors, Tensors]
      const terms = Object.entries(vars.params).map(([name, w]) => w.sub(m[name]!).square().mul(p[name]!).sum<Scalar>())
      return tf.addN(terms).mul(0.5)
    },
    gaussian: () => ({ mean: centre, precision: scaled }),
  }
}

/** A normal likelihood with its noise multiplied: σ instead of σ₀. */
export function tunedObjective(objective: Objective, given: number, sigma: number, outputs: number): Objective {
  const ratio = (given / sigma) ** 2
  const constant = (s: number): number => (outputs / 2) * Math.log(2 * Math.PI * s * s)
  return {
    ...objective,
    loss(y, batch, step) {
      const found = objective.loss(y, batch, step)
      return { ...found, loss: found.loss.sub(constant(given)).mul(ratio).add(constant(sigma)) }
    },
    predict(y) {
      const p = objective.predict(y)
      if (p.kind !== 'normal') return p
      const noise = (p.noise ?? p.variance).div(ratio)
      return { ...p, noise, variance: noise }
    },
    root: (y) => objective.root!(y).mul(Math.sqrt(ratio)),
  }
}
