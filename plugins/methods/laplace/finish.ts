import type { Posterior, Problem, Run, Value, Variables } from 'ockham'
import { InputError } from 'ockham'
import { decayOfPrecision } from '../../parts/bayes/index.js'
import { counts } from './coordinates.js'
import type { Curved } from './curve.js'
import { likelihoodScale, type Tuned } from './evidence.js'
import type { LaplaceOptions } from './options.js'
import { evidenceOf, posteriorOf, type Fitted, type LaplacePosterior } from './posterior.js'

/** The trained weights. Throws `OCK-LAPLACE-001` where there are none. */
export const weightsOf = ({ weights }: Posterior): Variables<Value> => {
  if (weights) return weights.point()
  throw new InputError({
    code: 'OCK-LAPLACE-001',
    what: 'what trained the network has no weights',
    where: 'inference.after',
    remedy: 'choose an inference over weights, such as map',
  })
}

/** A curved network with tuned scales, as a posterior keeps it. */
export function fittedOf({ vars, gaussian, at, setting }: Curved, { prior, sigma }: Tuned, options: LaplaceOptions): Fitted {
  const scales = { prior, likelihood: likelihoodScale(setting, sigma) }
  const { at: _, curvature, ...numbers } = setting
  return {
    vars,
    precision: Object.fromEntries(at.blocks.map(({ param }) => [param, gaussian.precision[param]!])),
    at,
    curvature,
    scales,
    noise: numbers.noise && sigma !== undefined ? (sigma / numbers.noise.given) ** 2 : 1,
    grain: options.precision,
    numbers,
    ...(sigma !== undefined && { sigma }),
    structure: options.structure,
    bias: options.bias,
    places: options.places,
    directions: options.directions,
  }
}

/** The posterior, and what it came to in units that others use. */
export function finish(problem: Problem, run: Run, curved: Curved, found: Tuned, options: LaplaceOptions): LaplacePosterior {
  const fitted = fittedOf(curved, found, options)
  const { at } = curved
  const n = counts(at)
  // Without tuning nobody has asked for eigenvalues yet.
  const known = options.tune === 'none' ? undefined : evidenceOf(fitted)
  const precision = at.precision.reduce((sum, d, i) => sum + d * found.prior[at.groupOf[i]!]!, 0) / at.size
  run.emit({
    type: 'evaluation',
    name: 'laplace',
    values: {
      ...(known && { 'train/log-evidence': known.value, 'train/effective-parameters': known.effective }),
      'train/uncertain-parameters': n.reduce((a, b) => a + b, 0),
      'train/prior-precision': precision,
      'train/weight-decay': decayOfPrecision(precision, problem.examples),
      ...(found.sigma !== undefined && { 'train/noise': found.sigma }),
    },
  })
  return posteriorOf(problem, run.engine, fitted, options)
}
