import { inputsOf, type Problem, type Run, type Value, type Variables } from 'ockham'
import { linearLayers } from '../../parts/curvature/index.js'
import { parametric } from '../../parts/networks/index.js'
import { floats, initialVariables, map, value } from '../../parts/training/index.js'
import { coordinatesOf, gathered, pick, type Coordinates } from './coordinates.js'
import type { Setting } from './evidence.js'
import { trainingRows } from './data.js'
import { fit, type FitOptions } from './fit.js'
import { noiseOf } from './noise.js'
import type { LaplaceOptions } from './options.js'
import { gaussianOf, type Gaussian } from './prior.js'
import { check, tell } from './refusals.js'
import { layersOf, subsetOf } from './subset.js'

/** A network whose curvature was taken, before any tuning. */
export interface Curved {
  readonly vars: Variables<Value>
  readonly gaussian: Gaussian
  readonly at: Coordinates
  readonly setting: Setting
}

const fitOptions = (options: LaplaceOptions): FitOptions => options

/**
 * Refuses before any training what {@link curve} would refuse after it: layers that are not there, structures that do not fit the memory or the prior. Weights
 * are those that training starts from, moved a little, so that a layer that starts at zero shows what it is.
 */
export async function rehearse(problem: Problem, run: Run, options: LaplaceOptions): Promise<void> {
  trainingRows(problem)
  const key = run.key.fold('rehearsal')
  const start = await initialVariables(problem, parametric(problem.model), key)
  const moved = (v: Value, name: string): Value => {
    const by = key.fold(name).normal(v.shape).data
    return { ...v, data: floats(v.data, (w: number, i) => w + 0.02 * by[i]!) }
  }
  const vars = { ...start, params: map(start.params, moved) }
  const silent = { emit: () => undefined }
  const gaussian = gaussianOf(problem, silent, vars, options)
  const found = await linearLayers(problem, run.engine, vars, await oneRow(problem))
  tell(silent, found, options)
  const { subset } = options
  const layers = layersOf(found.layers, subset)
  const whole = coordinatesOf(layers, gaussian.precision, options.precision)
  const some = typeof subset === 'object' && 'parameters' in subset && subset.parameters < whole.size
  const places = some ? Int32Array.from({ length: subset.parameters }, (_, i) => i) : undefined
  check(places ? coordinatesOf(layers, gaussian.precision, options.precision, places) : whole, options)
}

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
  return inputsOf(fields)
}
