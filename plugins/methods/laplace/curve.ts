import type { Problem, Run, Value, Variables } from 'ockham'
import { linearLayers } from '../../parts/curvature/index.js'
import { value } from '../../parts/training/index.js'
import { coordinatesOf, gathered, pick, type Coordinates } from './coordinates.js'
import type { Setting } from './evidence.js'
import { fit, type FitOptions } from './fit.js'
import { noiseOf } from './noise.js'
import type { LaplaceOptions } from './options.js'
import { gaussianOf, type Gaussian } from './prior.js'
import { check, tell } from './refusals.js'
import { subsetOf } from './subset.js'

/** A network whose curvature was taken, before any tuning. */
export interface Curved {
  readonly vars: Variables<Value>
  readonly gaussian: Gaussian
  readonly at: Coordinates
  readonly setting: Setting
}

const fitOptions = (options: LaplaceOptions): FitOptions => options

/** The curvature of the training data at trained weights, over the weights that are to be uncertain. */
export async function curve(problem: Problem, run: Run, vars: Variables<Value>, options: LaplaceOptions): Promise<Curved> {
  const gaussian = gaussianOf(problem, run, vars, options)
  const found = await linearLayers(problem, run.engine, vars, await oneRow(problem))
  const chosen = await subsetOf(problem, run, vars, found, gaussian.precision, options.subset, fitOptions(options))
  tell(run, found, options)
  const at = coordinatesOf(chosen.layers, gaussian.precision, options.precision, chosen.chosen)
  check(at, options)
  const { curvature, loss } = await fit(problem, run, vars, at, fitOptions(options))
  const offset = gathered(at.blocks, vars.params).map((w, i) => w - meanAt(at, gaussian, i))
  const scatter = new Float64Array(at.groups)
  pick(offset, at.chosen).forEach((d, i) => (scatter[at.groupOf[i]!]! += at.precision[i]! * d * d))
  const noise = await noiseOf(problem, run, loss)
  const setting: Setting = {
    at,
    curvature,
    scatter,
    logLikelihood: -loss,
    likelihoodTemperature: options.likelihoodTemperature,
    ...(noise && { noise }),
  }
  return { vars, gaussian, at, setting }
}

const means = new WeakMap<Gaussian, Float64Array>()
function meanAt(at: Coordinates, gaussian: Gaussian, i: number): number {
  const found = means.get(gaussian) ?? gathered(at.blocks, gaussian.mean)
  means.set(gaussian, found)
  return found[i]!
}

async function oneRow({ dataset }: Problem) {
  const fields = await dataset.read('train', value([0], [1], 'int32'))
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name === 'x' || name.startsWith('x.')))
}
