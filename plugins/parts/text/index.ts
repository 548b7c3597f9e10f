import { component, DATASET, definePlugin } from 'ockham'
import { z } from 'zod'
import { nextToken } from './next-token.js'
import { perplexity, perplexityOptions } from './perplexity.js'
import { textCompression, textCompressionOptions } from './text-compression.js'
import { text, textOptions } from './text.js'

export { nextToken } from './next-token.js'
export { perplexity, perplexityOptions } from './perplexity.js'
export { padding } from './rows.js'
export { pieces } from './documents.js'
export { textCompression, textCompressionOptions, type TextCompressionOptions } from './text-compression.js'
export { text, textOptions, type TextOptions } from './text.js'

const noOptions = z.strictObject({})

declare module 'ockham' {
  interface Catalog {
    text: { kind: 'dataset'; options: z.input<typeof textOptions> }
    'next-token': { kind: 'objective'; options: z.input<typeof noOptions> }
    perplexity: { kind: 'evaluation'; options: z.input<typeof perplexityOptions> }
    'text-compression': { kind: 'bound'; options: z.input<typeof textCompressionOptions> }
  }
}

export default definePlugin({
  name: 'text',
  provides: [
    component({
      kind: 'dataset',
      name: 'text',
      about: 'Tokens of text files, and the token after each',
      options: textOptions,
      offers: ['language'],
      create: text,
    }),
    component({
      kind: 'objective',
      name: 'next-token',
      about: 'Negative log-likelihood of the token after each',
      options: noOptions,
      requires: { dataset: ['language'] },
      offers: ['tokens'],
      create: nextToken,
    }),
    component({
      kind: 'evaluation',
      name: 'perplexity',
      about: 'Nats a token, perplexity and bits a byte',
      options: perplexityOptions,
      needs: { dataset: DATASET },
      requires: { objective: ['tokens'], inference: ['weights'] },
      create: perplexity,
    }),
    component({
      kind: 'bound',
      name: 'text-compression',
      about: 'Occam bound on the bits a token or the top-k error of a decoder, by documents, sequences or tokens',
      options: textCompressionOptions,
      needs: { dataset: DATASET },
      requires: { dataset: ['language'], objective: ['tokens'], inference: ['message'] },
      create: textCompression,
    }),
  ],
})
