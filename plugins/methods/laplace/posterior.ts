import type { Engine, Json, Posterior, Prediction, Problem, Saved, Value, Values, Variables } from 'ockham'
import { hostKey, InputError } from 'ockham'
import type { LinearLayer } from '../../parts/curvature/index.js'
import { flatten, floats, fromWeights, map, prefix, under, unflatten, value } from '../../parts/training/index.js'
import { coordinatesOf, moved, type Coordinates, type Grain, type Scales } from './coordinates.js'
import { evidence, type Evidence, type Setting } from './evidence.js'
import { structureOf } from './fit.js'
import { linearised } from './linearised.js'
import type { LaplaceOptions } from './options.js'
import type { Curvature, StructureName } from './structure.js'

export type Numbers = Omit<Setting, 'at' | 'curvature'>

/** Everything a Laplace posterior is. */
export interface Fitted {
  readonly vars: Variables<Value>
  /** Precision of the prior of the uncertain parameters, before tuning. */
  readonly precision: Values
  readonly at: Coordinates
  readonly curvature: Curvature
  readonly scales: Scales
  /** (σ/σ₀)². */
  readonly noise: number
  readonly grain: Grain
  /** What the evidence is made of beside the curvature. */
  readonly numbers: Numbers
  readonly sigma?: number
  readonly structure: StructureName
  readonly bias: LaplaceOptions['bias']
  readonly places: LaplaceOptions['places']
  readonly directions: number
}

/** Log evidence and what goes with it; undefined where large factors were not decomposed yet. */
export const evidenceOf = ({ at, curvature, numbers, scales, sigma }: Fitted): Evidence | undefined =>
  curvature.ready?.() === false ? undefined : evidence({ at, curvature, ...numbers }, scales.prior, sigma)

/** A posterior over weights with what a reader of the fit wants. */
export interface LaplacePosterior extends Posterior {
  readonly fitted: Fitted
  /** Outputs before the link: mean [n, C] and covariance [n, C, C], without noise. */
  latent(x: Values): Promise<{ readonly mean: Value; readonly covariance: Value }>
}

type How = Pick<LaplaceOptions, 'predictive' | 'link' | 'draws'>

/** θ* + δ^(−1/2) (s H + T)^(−1/2) ε. */
const drawn = async ({ vars, at, curvature, scales }: Fitted, noise: Float64Array, engine: Engine): Promise<Variables<Value>> => {
  const by = (await curvature.draw(scales, noise, engine)).map((d, i) => d / Math.sqrt(at.precision[i]!))
  return { ...vars, params: moved(at, vars.params, by) }
}

/** A draw for given unit noise [P]. */
export const drawOf = drawn

/** Mean and precision a parameter, of a diagonal posterior over all parameters. */
function gaussianOf({ vars, at, curvature, scales, structure }: Fitted): Posterior['gaussian'] {
  const whole = !at.chosen && at.blocks.length === Object.keys(vars.params).length
  if (structure !== 'diagonal' || !whole) return undefined
  const precision = map(curvature.factors(scales), (v, name) => ({
    ...v,
    shape: vars.params[name]!.shape,
    data: floats(v.data, (x) => 1 / x),
  }))
  return { mean: vars.params, precision }
}

export function posteriorOf(problem: Problem, engine: Engine, fitted: Fitted, { predictive, link, draws }: How): LaplacePosterior {
  const { vars, at, curvature, scales, noise } = fitted
  let made: ReturnType<typeof linearised> | undefined
  let factors: Values | undefined
  const net = () => (made ??= linearised(problem, engine, at, structureOf(at, fitted), fitted.structure))
  const here = async () => {
    await curvature.prepare?.(engine)
    return { vars, factors: (factors ??= curvature.factors(scales)), noise }
  }
  const weights: NonNullable<Posterior['weights']> = {
    point: () => vars,
    sample: (key) => drawn(fitted, Float64Array.from(key.fold('laplace').normal([at.size]).data), engine),
  }
  const byWeights = fromWeights(problem, engine, weights)
  const gaussian = gaussianOf(fitted)
  return {
    fitted,
    weights,
    // Asked for when it is read: it wants eigenvalues, which a fit that is only saved does without.
    get evidence() {
      return evidenceOf(fitted)?.value as number
    },
    ...(gaussian && { gaussian }),
    latent: async (x) => net().latent(await here(), x),
    async predict(x, { samples = 0, key } = {}) {
      if (samples > 0 && !key)
        throw new InputError({
          code: 'OCK-LAPLACE-006',
          what: `${samples} samples were asked for without a key`,
          where: 'predict',
          remedy: 'pass key, for instance run.key.fold("predict")',
        })
      const stream = key ?? hostKey(0).fold('laplace')
      if (predictive === 'weights') return inflated(await byWeights.predict(x, { samples: samples || draws, key: stream }), noise)
      if (samples > 0) return net().predict(await here(), x, link, { count: samples, key: stream })
      return net().predict(await here(), x, link, link === 'monte-carlo' ? { count: draws, key: stream } : undefined)
    },
    save: () => saved(fitted),
  }
}

/** A prediction whose noise is another than the objective's. */
function inflated(p: Prediction, noise: number): Prediction {
  if (p.kind !== 'normal' || noise === 1 || !p.noise) return p
  const { noise: given, memberVariance } = p
  const rows = given.data.length
  const more = (v: Value): Value => ({ ...v, data: floats(v.data, (x: number, i) => x + given.data[i % rows]! * (noise - 1)) })
  return {
    ...p,
    noise: { ...given, data: floats(given.data, (v) => v * noise) },
    variance: more(p.variance),
    ...(memberVariance && { memberVariance: more(memberVariance) }),
  }
}

/** A Value of equal numbers as one number. */
const short = (v: Value): Value => (v.data.every((x: number) => x === v.data[0]) ? value([v.data[0] ?? 0], [], 'float64') : v)

function saved(f: Fitted): Saved {
  const { structure, bias, places, directions, grain, noise, numbers, sigma, at } = f
  const layers = at.layers.map(({ out, kernel, geometry, ...rest }) => ({
    ...rest,
    out: [...out],
    kernel: [...kernel],
    ...(geometry && { geometry }),
  }))
  return {
    kind: 'laplace',
    values: {
      ...prefix('vars.', flatten(f.vars)),
      ...prefix('precision.', map(f.precision, short)),
      ...prefix('curvature.', f.curvature.save()),
      ...(at.chosen && { chosen: value(at.chosen, [at.chosen.length], 'int32') }),
      scales: value(f.scales.prior, [f.scales.prior.length], 'float64'),
    },
    meta: {
      ...{ structure, bias, places, directions, grain, noise, layers },
      ...(sigma !== undefined && { sigma }),
      likelihood: f.scales.likelihood,
      numbers: { ...numbers, scatter: [...numbers.scatter] },
    } as unknown as Json,
  }
}

interface Meta extends Pick<Fitted, 'structure' | 'bias' | 'places' | 'directions' | 'grain' | 'noise' | 'sigma'> {
  readonly numbers: Omit<Numbers, 'scatter'> & { readonly scatter: readonly number[] }
  readonly likelihood: number
  readonly layers: readonly LinearLayer[]
}

/** What {@link Posterior.save} gave, read back. Throws `OCK-LAPLACE-007` for another kind. */
export function restored({ kind, values, meta }: Saved): Fitted {
  if (kind !== 'laplace')
    throw new InputError({
      code: 'OCK-LAPLACE-007',
      what: `what was saved is a posterior of kind ${kind}, not laplace`,
      where: 'restore',
      remedy: 'restore it with the inference that made it',
    })
  const { layers, likelihood, numbers, ...rest } = meta as unknown as Meta
  const vars = unflatten(under('vars.', values))
  const precision = map(under('precision.', values), (v, name): Value => {
    const like = vars.params[name]!
    return v.shape.length > 0 || like.shape.length === 0
      ? v
      : { shape: like.shape, dtype: v.dtype, data: new Float64Array(like.data.length).fill(v.data[0]!) }
  })
  const at = coordinatesOf(layers, precision, rest.grain, values['chosen'] && Int32Array.from(values['chosen'].data))
  return {
    ...rest,
    numbers: { ...numbers, scatter: Float64Array.from(numbers.scatter) },
    vars,
    precision,
    at,
    curvature: structureOf(at, rest).restore(under('curvature.', values)),
    scales: { prior: Float64Array.from(values['scales']!.data), likelihood },
  }
}
