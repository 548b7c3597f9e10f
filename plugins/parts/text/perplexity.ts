import { InputError, type Dataset, type Evaluation } from 'ockham'
import { z } from 'zod'
import { checkSplits } from '../evaluation/index.js'
import { meanLoss } from '../training/index.js'

export const perplexityOptions = z.strictObject({
  splits: z.array(z.string()).min(1).default(['test']).describe('splits to evaluate'),
  size: z.int().positive().default(8).describe('rows a pass'),
})

/**
 * How well the next token is predicted: `nll` in nats a token, `perplexity` exp(nll), and `bits-per-byte`, the nats of all tokens over ln 2 and the
 * bytes of text that they stand for, which compares tokenizers. Throws `OCK-TEXT-003` for a dataset that is no text, `-004` for a posterior
 * without weights.
 */
export function perplexity({ splits, size }: z.output<typeof perplexityOptions>, { dataset }: { dataset: Dataset }): Evaluation {
  checkSplits(dataset, splits, 'splits')
  return {
    async evaluate({ weights }, problem, run) {
      const { text } = problem.dataset.meta
      if (!text) throw refused(3, 'perplexity is of text, and the dataset is none', 'choose the dataset text')
      if (!weights)
        throw refused(4, 'the posterior has no weights whose loss could be taken', 'choose an inference over weights, such as map')
      const loss = meanLoss(problem, run.engine, { size })
      const values: Record<string, number> = {}
      for (const split of splits) {
        const nll = await loss(weights.point(), split)
        const { tokens, bytes } = text.sizes[split]!
        Object.assign(values, {
          [`${split}/nll`]: nll,
          [`${split}/perplexity`]: Math.exp(nll),
          [`${split}/bits-per-byte`]: (nll * tokens) / Math.LN2 / bytes,
        })
      }
      return { values }
    },
  }
}

const refused = (code: number, what: string, remedy: string): InputError =>
  new InputError({ code: `OCK-TEXT-00${code}`, what, where: 'evaluations.perplexity', remedy })
