import type { Dataset, Message, Posterior } from 'ockham'
import { InputError } from 'ockham'
import { bound, type Bounded, type Method } from './bound.js'
import { lengthOf } from './description.js'
import { natsOf, type Accounting } from './occam.js'
import { dyadicAlphas, smoothedRange } from './smoothing.js'
import { randomTopK } from './tokens.js'

/** What is bounded, and how. */
export interface DescribedOptions {
  readonly loss: 'error' | 'top-k' | 'log-likelihood'
  readonly k: number
  readonly method: Method
  readonly accounting: Accounting
  readonly choices: Readonly<Record<string, number>>
  readonly extraBits: number
  readonly units?: number | undefined
  readonly alphas: readonly number[] | 'dyadic'
}

/** One bound that may be chosen: its price in bits, how it maps losses to the unit, and what comes out. */
interface Candidate {
  readonly bits: number
  readonly alpha?: number
  readonly range: { readonly low: number; readonly width: number }
}

function candidatesOf({ loss, alphas }: DescribedOptions, classes: number): Candidate[] {
  if (loss !== 'log-likelihood') return [{ bits: 0, range: { low: 0, width: 1 } }]
  const priced = alphas === 'dyadic' ? dyadicAlphas(10) : alphas.map((alpha) => ({ alpha, bits: Math.log2(alphas.length) }))
  return priced.map((p) => ({ ...p, range: smoothedRange(p.alpha, classes) }))
}

/** What a bound by description needs of the losses. */
export interface Evaluated {
  /** Independent units that the hypothesis was learnt from. */
  readonly n: number
  readonly classes: number
  readonly delta: number
  /** Mean loss over the units, or over the draws among them; of the log-likelihood smoothed with `alpha`. */
  readonly mean: (alpha: number | undefined) => number
}

/** The least bound by the length of a message, each candidate with its price in both places where the same data chose it. */
export function described(
  message: Message,
  dataset: Dataset,
  options: DescribedOptions,
  { n, classes, delta, mean }: Evaluated,
): { readonly value: number; readonly trivial: number; readonly terms: Readonly<Record<string, number>> } {
  const { loss, k, method, units } = options
  const length = lengthOf(message, dataset, options)
  const candidates = candidatesOf(options, classes).map((candidate): Candidate & { readonly bounded: Bounded } => {
    const { alpha, range, bits } = candidate
    const subsample = units === undefined ? {} : { subsample: { units, nats: natsOf(bits) } }
    return {
      ...candidate,
      bounded: bound({ risk: mean(alpha), n, delta, nats: natsOf(length['bits']! + bits), range, method, ...subsample }),
    }
  })
  const { bounded, alpha, range, bits } = candidates.reduce((best, other) => (other.bounded.value < best.bounded.value ? other : best))
  const { value, terms, deltas } = bounded
  const all = length['bits']! + bits
  return {
    value,
    trivial: loss === 'log-likelihood' ? Math.log2(classes) : randomTopK(classes, loss === 'error' ? 1 : k),
    terms: {
      n,
      rate: terms.risk,
      ...(units !== undefined && { units, sampling: terms.sampling, 'delta.sampling': deltas.sampling }),
      complexity: terms.complexity,
      ...(alpha !== undefined && { alpha, range: range.width, 'bits.alpha': bits }),
      ...length,
      bits: all,
      nats: natsOf(all),
      delta,
    },
  }
}

/** The message of a posterior. Throws `OCK-BOUND-001` where it has none. */
export function messageOf({ message }: Posterior): Message {
  if (message) return message
  throw new InputError({
    code: 'OCK-BOUND-001',
    what: 'the posterior has no message to measure',
    where: 'bounds',
    remedy: 'learn with { use: quantised, after: … }',
  })
}
