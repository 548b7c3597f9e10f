import { component, definePlugin, slot } from 'ockham'
import { z } from 'zod'
import { prompted } from './prompted.js'

export { prompted, type PromptedOptions } from './prompted.js'

export const promptedOptions = z.strictObject({
  of: slot('model').describe('the decoder that is adapted'),
  length: z.int().positive().default(16).describe('embeddings that are read before a text; the context holds them too'),
  start: z
    .union([z.literal('tokens'), z.number().positive()])
    .default('tokens')
    .describe('the first of them: rows of the token table, drawn; or normal numbers of this standard deviation'),
})

declare module 'ockham' {
  interface Catalog {
    prompted: { kind: 'model'; options: z.input<typeof promptedOptions> }
  }
}

export default definePlugin({
  name: 'prompted',
  provides: [
    component({
      kind: 'model',
      name: 'prompted',
      about: 'A decoder that reads learnt embeddings before every text; the rest is frozen',
      options: promptedOptions,
      offers: ['weights'],
      create: ({ of, ...options }) => prompted(of, options),
    }),
  ],
})
