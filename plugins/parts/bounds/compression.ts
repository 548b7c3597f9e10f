import { createHash } from 'node:crypto'
import type { Bound, Certificate, Dataset, Message, Posterior, Run } from 'ockham'
import { InputError } from 'ockham'
import { z } from 'zod'
import { checkSplits } from '../evaluation/index.js'
import { bound, type Bounded, type Method } from './bound.js'
import { unitOf } from './certificate.js'
import { lengthOf } from './description.js'
import { digests } from './digest.js'
import { natsOf } from './occam.js'
import { lossesOf, type Scored } from './risk.js'
import { alphaGrid, dyadicAlphas, smoothedLoss, smoothedRange } from './smoothing.js'
import { assumptionsOf, formulaOf, quantityOf } from './statement.js'
import { randomTopK, topKErrors } from './tokens.js'

const whole = z.int().positive()

export const compressionOptions = z.strictObject({
  loss: z
    .enum(['error', 'top-k', 'log-likelihood'])
    .default('error')
    .describe('what is bounded: errors, labels not among the k likeliest, or −log₂ of the smoothed probability'),
  k: whole.default(5).describe('of top-k'),
  method: z.enum(['kl', 'hoeffding', 'catoni']).default('kl').describe('kl is never above hoeffding; catoni is that of the paper'),
  accounting: z
    .enum(['corrected', 'reference'])
    .default('corrected')
    .describe('corrected counts the bits of the file; reference counts as published code does'),
  choices: z
    .record(z.string(), whole)
    .default({})
    .describe('settings that the decoder needs and that were chosen by looking at the data: how many options each had'),
  extraBits: z.number().min(0).default(0).describe('what else was chosen by looking at the data, in bits'),
  units: whole
    .optional()
    .describe('estimate the risk from this many draws, with a failure probability of their own; all examples unless given'),
  alphas: z
    .union([z.array(z.number().gt(0).max(1)).min(1), z.literal('dyadic')])
    .default([...alphaGrid])
    .describe('smoothing weights to choose among, paid for: a list, or all odd / 2^b'),
  split: z.string().default('train').describe('the examples that were learnt from'),
})

export type CompressionOptions = z.output<typeof compressionOptions>

/** One bound that may be chosen: its price in bits, how it maps losses to the unit, and what comes out. */
interface Candidate {
  readonly bits: number
  readonly alpha?: number
  readonly range: { readonly low: number; readonly width: number }
}

function candidatesOf({ loss, alphas }: CompressionOptions, classes: number): Candidate[] {
  if (loss !== 'log-likelihood') return [{ bits: 0, range: { low: 0, width: 1 } }]
  const priced = alphas === 'dyadic' ? dyadicAlphas(10) : alphas.map((alpha) => ({ alpha, bits: Math.log2(alphas.length) }))
  return priced.map((p) => ({ ...p, range: smoothedRange(p.alpha, classes) }))
}

const rowLoss =
  ({ loss, k }: CompressionOptions) =>
  ({ probabilities, classes, labels }: Scored): ArrayLike<number> =>
    loss === 'log-likelihood'
      ? Float64Array.from({ length: labels.length }, (_, i) => probabilities[i * classes + labels[i]!]!)
      : topKErrors(probabilities, classes, labels, loss === 'error' ? 1 : k)

/**
 * The examples whose losses are counted: those that the start of the model did not see, or draws from them with replacement, made after the
 * message was frozen: they follow from the run's key and the message.
 */
function rowsOf(run: Run, { bytes }: Message, about: ArrayLike<number>, units: number | undefined): ArrayLike<number> {
  if (units === undefined) return about
  const drawn = run.key.fold('subsample').fold(sha256(bytes)).integers([units], about.length).data
  return Int32Array.from(drawn, (i: number) => about[i]!)
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * A bound on the risk of the model that a message decodes to, from the risk on the examples that it was learnt from and the length of the message
 * (Lotfi et al. 2022; 2024). What is evaluated is what was decoded. Errors: `OCK-BOUND-001` for a posterior without a message.
 */
export function compression(options: CompressionOptions, { dataset }: { readonly dataset: Dataset }): Bound {
  const { split, method, units } = options
  checkSplits(dataset, [split], 'split')
  return {
    async certify(posterior, problem, run, delta): Promise<Certificate> {
      const message = messageOf(posterior)
      const decoded = await message.decode(message.bytes)
      const { meta } = problem.dataset
      const about = (split === 'train' && message.rows) || Int32Array.from({ length: meta.splits[split]! }, (_, row) => row)
      const n = about.length
      const classes = meta.classes?.length ?? 0
      const losses = await lossesOf(decoded, problem.dataset, split, rowLoss(options), rowsOf(run, message, about, units))
      const length = lengthOf(message, problem.dataset, options)
      const best = chosen(losses, candidatesOf(options, classes), {
        length: length['bits']!,
        n,
        classes,
        delta,
        method,
        ...(units !== undefined && { units }),
      })
      const trivial = options.loss === 'log-likelihood' ? Math.log2(classes) : randomTopK(classes, options.loss === 'error' ? 1 : options.k)
      const { value, terms, deltas } = best.bounded
      return {
        bound: 'compression',
        quantity: quantityOf(options),
        unit: unitOf(meta),
        value,
        trivial,
        vacuous: value >= trivial,
        confidence: 1 - delta,
        terms: {
          n,
          rate: terms.risk,
          ...(units !== undefined && { units, sampling: terms.sampling, 'delta.sampling': deltas.sampling }),
          complexity: terms.complexity,
          ...(best.alpha !== undefined && { alpha: best.alpha, range: best.range.width, 'bits.alpha': best.bits }),
          ...length,
          bits: length['bits']! + best.bits,
          nats: natsOf(length['bits']! + best.bits),
          delta,
        },
        formula: formulaOf(options),
        assumptions: assumptionsOf(options, meta, message),
        digests: { message: sha256(message.bytes), ...message.side, ...digests(decoded, meta) },
      }
    },
  }
}

interface Setting {
  readonly length: number
  readonly n: number
  readonly classes: number
  readonly delta: number
  readonly method: Method
  readonly units?: number
}

/** The least of the bounds, each with its price in both places where the same data chose it. */
function chosen(losses: Float64Array, candidates: readonly Candidate[], s: Setting): Candidate & { readonly bounded: Bounded } {
  const all = candidates.map((candidate) => {
    const { alpha, range, bits } = candidate
    let sum = 0
    for (const x of losses) sum += alpha === undefined ? x : smoothedLoss(x, alpha, s.classes)
    const subsample = s.units === undefined ? {} : { subsample: { units: s.units, nats: natsOf(bits) } }
    const asked = { risk: sum / losses.length, n: s.n, delta: s.delta, nats: natsOf(s.length + bits), range, method: s.method }
    return { ...candidate, bounded: bound({ ...asked, ...subsample }) }
  })
  return all.reduce((best, other) => (other.bounded.value < best.bounded.value ? other : best))
}

function messageOf({ message }: Posterior): Message {
  if (message) return message
  throw new InputError({
    code: 'OCK-BOUND-001',
    what: 'the posterior has no message to measure',
    where: 'bounds',
    remedy: 'learn with { use: quantised, after: … }',
  })
}
