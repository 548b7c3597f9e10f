import type { HostKey, Problem, Run, Value, Values, Variables } from 'ockham'
import { InputError } from 'ockham'
import type { Layers, LinearLayer } from '../../parts/curvature/index.js'
import { coordinatesOf, gathered } from './coordinates.js'
import { fit, type FitOptions } from './fit.js'
import type { LaplaceOptions } from './options.js'

/** Layers by name, or by what their names begin with before a dot. Throws `OCK-LAPLACE-004` for one that is not there. */
function named(layers: readonly LinearLayer[], names: readonly string[]): LinearLayer[] {
  const covers = (name: string, layer: string): boolean => layer === name || layer.startsWith(`${name}.`)
  const missing = names.filter((name) => !layers.some((l) => covers(name, l.name)))
  if (missing.length > 0)
    throw new InputError({
      code: 'OCK-LAPLACE-004',
      what: `there is no linear layer ${missing.join(', ')}`,
      where: 'inference.subset',
      remedy: `the layers are ${layers.map((l) => l.name).join(', ')}`,
    })
  return layers.filter((l) => names.some((name) => covers(name, l.name)))
}

/** Layers that a subset has, whole or in part. */
export function layersOf(layers: readonly LinearLayer[], subset: LaplaceOptions['subset']): readonly LinearLayer[] {
  if (subset === 'last-layer') return layers.slice(-1)
  return typeof subset === 'object' && 'layers' in subset ? named(layers, subset.layers) : layers
}

/** Places of the `count` largest, ascending. */
const largest = (scores: Float64Array, count: number): Int32Array =>
  Int32Array.from(
    Array.from(scores.keys())
      .sort((a, b) => scores[b]! - scores[a]! || a - b)
      .slice(0, count)
      .sort((a, b) => a - b),
  )

/** Which weights are uncertain: whole layers, and single places among all of theirs. */
export async function subsetOf(
  problem: Problem,
  run: Run,
  vars: Variables<Value>,
  { layers }: Layers,
  precision: Values,
  subset: LaplaceOptions['subset'],
  options: FitOptions,
): Promise<{ layers: readonly LinearLayer[]; chosen?: Int32Array }> {
  if (typeof subset === 'string' || 'layers' in subset) return { layers: layersOf(layers, subset) }
  const at = coordinatesOf(layers, precision, 'global')
  if (subset.parameters >= at.size) return { layers }
  const count = subset.parameters
  if (subset.by === 'random') return { layers, chosen: drawnPlaces(run.key.fold('subset'), at.size, count) }
  if (subset.by === 'magnitude') return { layers, chosen: largest(gathered(at.blocks, vars.params).map(Math.abs), count) }
  // Marginal variances of a diagonal posterior.
  const { curvature } = await fit(problem, run, vars, at, { ...options, structure: 'diagonal' }, 'marginal variances')
  const variances = gathered(at.blocks, curvature.factors({ prior: Float64Array.of(1), likelihood: 1 }))
  return { layers, chosen: largest(variances, count) }
}

const drawnPlaces = (key: HostKey, size: number, count: number): Int32Array =>
  Int32Array.from(key.permutation(size).data.slice(0, count)).sort()
