import { createHash } from 'node:crypto'
import type { Bound, Certificate, Dataset, Message, Run } from 'ockham'
import { z } from 'zod'
import { checkSplits } from '../evaluation/index.js'
import { unitOf } from './certificate.js'
import { described, messageOf } from './described.js'
import { digests } from './digest.js'
import { lossesOf, type Scored } from './risk.js'
import { alphaGrid, smoothedLoss } from './smoothing.js'
import { assumptionsOf, formulaOf, quantityOf } from './statement.js'
import { topKErrors } from './tokens.js'

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

const rowLoss =
  ({ loss, k }: CompressionOptions) =>
  ({ probabilities, classes, labels }: Scored): ArrayLike<number> =>
    loss === 'log-likelihood'
      ? Float64Array.from({ length: labels.length }, (_, i) => probabilities[i * classes + labels[i]!]!)
      : topKErrors(probabilities, classes, labels, loss === 'error' ? 1 : k)

/** `units` draws with replacement among `count`, made after the message was frozen: they follow from the run's key and the message. */
export const drawsOf = (run: Run, { bytes }: Pick<Message, 'bytes'>, count: number, units: number): Int32Array =>
  Int32Array.from(run.key.fold('subsample').fold(sha256(bytes)).integers([units], count).data)

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * A bound on the risk of the model that a message decodes to, from the risk on the examples that it was learnt from and the length of the message
 * (Lotfi et al. 2022; 2024). What is evaluated is what was decoded. Errors: `OCK-BOUND-001` for a posterior without a message.
 */
export function compression(options: CompressionOptions, { dataset }: { readonly dataset: Dataset }): Bound {
  const { split, units } = options
  checkSplits(dataset, [split], 'split')
  return {
    async certify(posterior, problem, run, delta): Promise<Certificate> {
      const message = messageOf(posterior)
      const decoded = await message.decode(message.bytes)
      const { meta } = problem.dataset
      const about = (split === 'train' && message.rows) || Int32Array.from({ length: meta.splits[split]! }, (_, row) => row)
      const n = about.length
      const classes = meta.classes?.length ?? 0
      // Of draws, the rows that were drawn; of a start that was learnt, those that it did not see.
      const rows = units === undefined ? about : drawsOf(run, message, n, units).map((i) => about[i]!)
      const losses = await lossesOf(decoded, problem.dataset, split, rowLoss(options), rows)
      const mean = (alpha: number | undefined): number => {
        let sum = 0
        for (const x of losses) sum += alpha === undefined ? x : smoothedLoss(x, alpha, classes)
        return sum / losses.length
      }
      const { value, trivial, terms } = described(message, problem.dataset, options, { n, classes, delta, mean })
      return {
        bound: 'compression',
        quantity: quantityOf(options),
        unit: unitOf(meta),
        value,
        trivial,
        vacuous: value >= trivial,
        confidence: 1 - delta,
        terms,
        formula: formulaOf(options),
        assumptions: assumptionsOf(options, meta, message),
        digests: { message: sha256(message.bytes), ...message.side, ...digests(decoded, meta) },
      }
    },
  }
}
