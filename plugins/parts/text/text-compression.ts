import { InputError, type Bound, type Certificate, type Dataset, type Message, type Posterior, type Problem, type Run } from 'ockham'
import { z } from 'zod'
import {
  assumptionsOf,
  compressionOptions,
  described,
  digests,
  drawsOf,
  formulaOf,
  messageOf,
  sha256,
  smoothedLoss,
  unitAssumption,
  type Evaluated,
} from '../bounds/index.js'
import { checkSplits } from '../evaluation/index.js'
import { judge } from './judge.js'
import { counted, passagesOf, passesOf, type Passage } from './units.js'

export const textCompressionOptions = z
  .strictObject({
    ...compressionOptions.shape,
    loss: z
      .enum(['log-likelihood', 'top-k'])
      .default('log-likelihood')
      .describe('bits a token of the smoothed prediction, or top-k errors'),
    k: z.int().positive().default(1).describe('of top-k'),
    unit: z
      .enum(['document', 'sequence', 'token'])
      .default('document')
      .describe(
        'what is drawn: documents, the mean over whose tokens counts; rows of the dataset; or every next token given those before it',
      ),
    stride: z.int().positive().default(100).describe('tokens by which windows over a document longer than a row move on'),
    method: z
      .enum(['kl', 'hoeffding', 'catoni'])
      .optional()
      .describe('kl unless given; of tokens hoeffding, the one that holds for draws that follow from each other (Azuma)'),
  })
  .refine(({ unit, method }) => unit !== 'token' || method === undefined || method === 'hoeffding', {
    error: 'tokens are not independent draws: their bound is hoeffding’s (Azuma)',
    path: ['method'],
  })

export type TextCompressionOptions = z.output<typeof textCompressionOptions>

/**
 * A bound on the loss of the decoder that a message decodes to, by the length of the message (Lotfi et al. 2024): −log₂ of the probability of the
 * next token, mixed with the uniform one, or top-k errors, by documents, sequences or tokens. Errors: `OCK-BOUND-001` for a posterior without a
 * message, `OCK-TEXT-003` for a dataset that is no text, `-005` where documents are not told apart, `-006` for a start that was learnt from a share
 * of rows that are not the units.
 */
export function textCompression(given: TextCompressionOptions, { dataset }: { readonly dataset: Dataset }): Bound {
  const { unit, split, loss, k } = given
  const options = { ...given, method: given.method ?? (unit === 'token' ? ('hoeffding' as const) : ('kl' as const)) }
  checkSplits(dataset, [split], 'split')
  return {
    async certify(posterior, problem, run, delta): Promise<Certificate> {
      const message = messageOf(posterior)
      const decoded = await message.decode(message.bytes)
      const { meta } = problem.dataset
      const { tokens, ...evaluated } = await evaluate(given, { message, decoded, problem, run })
      const { value, trivial, terms } = described(message, problem.dataset, options, { ...evaluated, delta })
      const [drawn, ...others] = assumptionsOf(options, meta, message)
      return {
        bound: 'text-compression',
        quantity: `${loss === 'top-k' ? `top-${k} error` : 'bits a token of the smoothed prediction'}, ${about[unit]}`,
        unit,
        value,
        trivial,
        vacuous: value >= trivial,
        confidence: 1 - delta,
        terms: { ...terms, tokens },
        formula: formulaOf(options),
        assumptions: [
          ...(unit === 'token' ? [] : [drawn!]),
          unitAssumption[unit],
          `The tokenizer, with its ${evaluated.classes} tokens, was fixed before the text was looked at.`,
          ...others,
        ],
        digests: { message: sha256(message.bytes), ...message.side, ...digests(decoded, meta) },
      }
    },
  }
}

interface Decoded {
  readonly message: Message
  readonly decoded: Posterior
  readonly problem: Problem
  readonly run: Run
}

/** The losses of what was decoded, by units or draws among them, and how many tokens were read. */
async function evaluate(
  { unit, split, stride, units, k }: TextCompressionOptions,
  { message, decoded, problem, run }: Decoded,
): Promise<Omit<Evaluated, 'delta'> & { readonly tokens: number }> {
  const { meta } = problem.dataset
  if (!meta.text) throw noText(meta.task)
  const rows = (split === 'train' && message.rows) || Int32Array.from({ length: meta.splits[split]! }, (_, row) => row)
  const passages = await passagesOf(problem.dataset, split, rows, unit)
  refuseShare(message, passages, rows.length, unit)
  const n = unit === 'token' ? passages.reduce((sum, { y }) => sum + y.length, 0) : passages.length
  const count = counted(passages, unit, units === undefined ? undefined : drawsOf(run, message, n, units))
  const context = meta.shapes['x']!.shape[0]!
  const { weight } = count
  const reading = { passes: passesOf(count, context, Math.min(stride, context)), context, count: weight.length }
  const { probabilities, above } = await judge(problem, run.engine, decoded.weights!.point(), reading)
  const classes = meta.text.vocabulary
  const loss = (i: number, alpha: number | undefined): number =>
    alpha === undefined ? Number(above[i]! >= k) : smoothedLoss(probabilities[i]!, alpha, classes)
  return { n, classes, tokens: weight.length, mean: (alpha) => weight.reduce((sum, w, i) => sum + w * loss(i, alpha), 0) }
}

const about = {
  document: 'mean over the tokens of a document of the distribution that the training documents were drawn from',
  sequence: 'mean over the tokens of a sequence of the distribution that the training sequences were drawn from',
  token: 'of next tokens drawn anew after each beginning that occurs in the training text',
} as const

const noText = (task: string): InputError =>
  new InputError({
    code: 'OCK-TEXT-003',
    what: `text-compression is of text, and the dataset's task is ${task}`,
    where: 'bounds.text-compression',
    remedy: 'choose the dataset text, or the bound compression',
  })

/** Rows left to the bound at random are units only where rows are. */
function refuseShare({ rows }: Message, passages: readonly Passage[], count: number, unit: string): void {
  if (!rows || (unit !== 'token' && passages.length === count)) return
  throw new InputError({
    code: 'OCK-TEXT-006',
    what: `the start was learnt from a share of the rows, and a row is not a ${unit}`,
    where: 'bounds.text-compression.unit',
    remedy: 'leave share out of the inference, choose unit: sequence, or a context that holds the longest document',
  })
}
