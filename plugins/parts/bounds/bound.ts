import { InputError } from 'ockham'
import { klInverse } from './kl-inverse.js'
import { catoniOptimised } from './pac-bayes.js'

/** How a mean and a complexity become a bound: the forms for one coded hypothesis. */
export type Method = 'hoeffding' | 'kl' | 'catoni'

export interface Asked {
  /** Mean loss, over the units or over the draws among them. */
  readonly risk: number
  /** Independent units that the hypothesis was learnt from. */
  readonly n: number
  readonly delta: number
  /** ln 1/P of the hypothesis, nats; 0 for one that does not depend on the units. */
  readonly nats?: number
  /** Interval of the loss, [0, 1] unless given. */
  readonly range?: { readonly low: number; readonly width: number }
  /** `kl` unless given. */
  readonly method?: Method
  /** The risk is a mean over `units` draws with replacement, made after the hypothesis was frozen; `nats`: what the draws chose. */
  readonly subsample?: { readonly units: number; readonly nats?: number; readonly share?: number }
}

export interface Bounded {
  readonly value: number
  /** What the value is the sum of: risk, sampling (the risk on all units above that of the draws), complexity. */
  readonly terms: { readonly risk: number; readonly sampling: number; readonly complexity: number }
  readonly deltas: { readonly generalisation: number; readonly sampling: number }
}

/**
 * An upper bound on the expected loss. With draws, a first bound on the mean over all units from the mean over the draws fails with its
 * own part of delta, n/(n + units) going to the other unless `share` says what (Lotfi et al. 2024). Errors: `OCK-BOUND-003`.
 */
export function bound({ risk, n, delta, nats = 0, range = { low: 0, width: 1 }, method = 'kl', subsample }: Asked): Bounded {
  if (!(n > 0 && delta > 0 && delta < 1 && nats >= 0 && range.width >= 0))
    throw new InputError({ code: 'OCK-BOUND-003', what: `no bound for n = ${n}, delta = ${delta}, ${nats} nats`, where: 'bound' })
  const share = subsample ? (subsample.share ?? subsample.units / (subsample.units + n)) : 1
  const deltas = { generalisation: share * delta, sampling: (1 - share) * delta }
  const above = (mean: number, complexity: number, units: number, failure: number): number => {
    if (range.width === 0) return mean
    if (method === 'hoeffding') return mean + range.width * Math.sqrt((complexity - Math.log(failure)) / (2 * units))
    const unit = Math.min(1, Math.max(0, (mean - range.low) / range.width))
    const inner =
      method === 'kl' ? klInverse(unit, (complexity - Math.log(failure)) / units) : catoniOptimised(unit, complexity, units, failure).value
    return range.low + range.width * inner
  }
  const all = subsample ? above(risk, subsample.nats ?? 0, subsample.units, deltas.sampling) : risk
  const value = above(all, nats, n, deltas.generalisation)
  return { value, terms: { risk, sampling: all - risk, complexity: value - all }, deltas }
}
