import {
  hostKey,
  type Json,
  type Posterior,
  type Prediction,
  type Problem,
  type Process,
  type Saved,
  type Value,
  type Values,
} from 'ockham'
import { matrix } from '../linalg/index.js'
import { condition, type Conditioned, type Latent } from './condition.js'
import { statesTargets, type Observed } from './dirichlet.js'
import { prefixed, under, vector } from './kernels/kernel.js'
import { drawnClasses, twoClasses } from './probabilities.js'
import { scaledRows, type Range } from './scaling.js'

/** What a fit comes to: hyper-parameters, noise, scaling, and the rows it has seen, scaled. */
export interface Fitted {
  readonly hyper: Values
  /** τ [outputs]. */
  readonly noise: Float64Array
  readonly range: Range
  readonly x: Value
  readonly observed: readonly Observed[]
  readonly evidence: number
  readonly categorical: boolean
}

/** A posterior over functions, with what a reader of the fit wants. */
export interface ProcessPosterior extends Posterior {
  readonly fitted: Fitted
  conditioned(): Conditioned
  /** Latent functions at raw inputs. */
  latent(x: Value): Latent
}

const draws = 256

/** Distribution of what is observed, from the latent functions. */
export function predictionOf(
  f: Latent,
  fitted: Pick<Fitted, 'noise' | 'categorical'>,
  samples: number,
  key = hostKey(0).fold('softmax'),
): Prediction {
  const [n, outputs] = f.mean.shape as [number, number]
  if (!fitted.categorical) {
    const noise = matrix(
      [n, outputs],
      Float64Array.from({ length: n * outputs }, (_, i) => fitted.noise[i % outputs]!),
    )
    const variance = matrix(
      [n, outputs],
      noise.data.map((v, i) => v + f.variance.data[i]!),
    )
    return { kind: 'normal', mean: f.mean, variance, noise }
  }
  if (outputs === 2) return { kind: 'categorical', probabilities: twoClasses(f) }
  return { kind: 'categorical', ...drawnClasses(f, samples, key) }
}

export function saved({ hyper, noise, range, x, observed, evidence, categorical }: Fitted): Saved {
  const [n, outputs] = [x.shape[0]!, observed.length]
  const table = (of: (o: Observed) => Float64Array): Value => {
    const data = new Float64Array(n * outputs)
    observed.forEach((o, c) => of(o).forEach((v, i) => (data[i * outputs + c] = v)))
    return matrix([n, outputs], data)
  }
  return {
    kind: 'process',
    values: {
      ...prefixed('hyper.', hyper),
      noise: vector(noise),
      'scale.low': range.low,
      'scale.range': range.range,
      'train.x': x,
      'train.target': table((o) => o.target),
      'train.noise': table((o) => o.noise),
    },
    meta: { evidence, categorical },
  }
}

export function fittedOf({ values, meta }: Saved): Fitted {
  const { evidence, categorical } = meta as { evidence: number; categorical: boolean } & { readonly [name: string]: Json }
  const [targets, noises] = [values['train.target']!, values['train.noise']!]
  const [n, outputs] = targets.shape as [number, number]
  const column = (v: Value, c: number): Float64Array => Float64Array.from({ length: n }, (_, i) => v.data[i * outputs + c]!)
  return {
    hyper: under('hyper.', values),
    noise: Float64Array.from(values['noise']!.data),
    range: { low: values['scale.low']!, range: values['scale.range']! },
    x: values['train.x']!,
    observed: Array.from({ length: outputs }, (_, c) => ({ target: column(targets, c), noise: column(noises, c) })),
    evidence,
    categorical,
  }
}

/** The posterior of a fit. Matrices are factored when they are first wanted. */
export function posteriorOf(process: Process, fitted: Fitted, factors?: readonly Value[]): ProcessPosterior {
  let known: Conditioned | undefined
  const conditioned = (): Conditioned => (known ??= condition(process, fitted.hyper, fitted.noise, fitted.x, fitted.observed, factors))
  const latent = (x: Value): Latent => conditioned().latent(scaledRows(x, fitted.range))
  return {
    fitted,
    conditioned,
    latent,
    evidence: fitted.evidence,
    // No `weights`: this is a posterior over functions, and to sample parameters would be a lie.
    predict: async (at, { samples = draws, key } = {}) => predictionOf(latent(at['x']!), fitted, samples, key),
    save: () => saved(fitted),
  }
}

/** Training rows as a fit observes them: raw inputs, and targets with known noise. */
export async function observations({ dataset, objective, examples }: Problem): Promise<{ x: Value; observed: readonly Observed[] }> {
  const rows: Value = { shape: [examples], dtype: 'int32', data: Int32Array.from({ length: examples }, (_, i) => i) }
  const { x, y } = await dataset.read('train', rows)
  const classes = dataset.meta.classes?.length
  if (classes !== undefined && statesTargets(objective)) return { x: x!, observed: objective.targets(y!, classes) }
  const outputs = y!.data.length / examples
  const column = (c: number): Float64Array => Float64Array.from({ length: examples }, (_, i) => y!.data[i * outputs + c]!)
  return {
    x: x!,
    observed: Array.from({ length: outputs }, (_, c) => ({ target: column(c), noise: new Float64Array(examples) })),
  }
}
