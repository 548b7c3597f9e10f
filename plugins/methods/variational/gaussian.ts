import { hostKey, InputError } from 'ockham'
import type { Engine, HostKey, Posterior, Problem, Saved, Tensors, Value, Values, Variables } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { averagedOver, flatten, floats, fromWeights, map, prefix, under, unflatten } from '../../parts/training/index.js'

/** log(1 + eˣ), host. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))

/** The x whose softplus is s > 0, host. */
export const inverseSoftplus = (s: number): number => s + Math.log(-Math.expm1(-s))

/**
 * KL(N(m, s²) ‖ N(m₀, 1/p₀)) summed over all weights: Σ ½ (p₀ (s² + (m − m₀)²) − 1 − ln(p₀ s²)), nats. Traced.
 */
export function divergence(mean: Tensors, deviation: Tensors, prior: { readonly mean: Tensors; readonly precision: Tensors }): Scalar {
  const terms = Object.entries(mean).map(([name, m]) => {
    const [s2, p] = [deviation[name]!.square(), prior.precision[name]!]
    const apart = m.sub(prior.mean[name]!).square()
    return p.mul(s2.add(apart)).sub(1).sub(p.mul(s2).log()).mul(0.5).sum()
  })
  return tf.addN(terms) as Scalar
}

/** Draws that predict are the same for every input. */
const fixedKey = hostKey(0)

/** Independent normal weights around a mean. */
export interface Spread {
  /** The mean, with what is frozen and the state. */
  readonly vars: Variables<Value>
  /** Standard deviation of each parameter. */
  readonly deviation: Values
}

const shifted = ({ vars, deviation }: Spread, key: HostKey): Variables<Value> => ({
  ...vars,
  params: map(vars.params, (m, name): Value => {
    const s = deviation[name]
    if (!s) return m
    const xi = key.fold(name).normal(m.shape).data
    return { ...m, data: floats(m.data, (x, i) => x + s.data[i]! * xi[i]!) }
  }),
})

/**
 * The posterior of independent normal weights: predictions average `draws` fixed draws, or as many fresh ones as are asked for; `gaussian` is the law
 * itself where every parameter has a deviation.
 */
export function spreadPosterior(
  problem: Problem,
  engine: Engine,
  spread: Spread,
  draws: number,
  kind: string,
  evidence?: number,
): Posterior {
  const { vars, deviation } = spread
  const plain = fromWeights(problem, engine, { point: () => vars, sample: (key) => Promise.resolve(shifted(spread, key)) })
  const whole = Object.keys(vars.params).every((name) => deviation[name])
  return {
    ...plain,
    ...(whole && {
      gaussian: {
        mean: vars.params,
        precision: map(deviation, (s): Value => ({ ...s, data: floats(s.data, (x: number) => 1 / (x * x)) })),
      },
    }),
    ...(evidence !== undefined && { evidence }),
    predict: averagedOver(problem, engine, plain, draws, (i) => shifted(spread, fixedKey.fold(kind).fold(i))),
    save: () => ({
      kind,
      values: { ...prefix('mean.', flatten(vars)), ...prefix('deviation.', deviation) },
      meta: evidence === undefined ? null : { evidence },
    }),
  }
}

/** What {@link spreadPosterior} saved. Throws `OCK-VARIATIONAL-001` for another kind. */
export function savedSpread({ kind: given, values, meta }: Saved, kind: string): Spread & { readonly evidence?: number } {
  if (given !== kind)
    throw new InputError({
      code: 'OCK-VARIATIONAL-001',
      what: `what was saved is a posterior of kind ${given}, not ${kind}`,
      where: 'restore',
      remedy: 'restore it with the inference that made it',
    })
  const evidence = (meta as { evidence?: number } | null)?.evidence
  return { vars: unflatten(under('mean.', values)), deviation: under('deviation.', values), ...(evidence !== undefined && { evidence }) }
}
