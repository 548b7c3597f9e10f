import { component, definePlugin, slot } from 'ockham'
import { z } from 'zod'
import { prefix } from './prefix.js'

export { prefix, type PrefixOptions } from './prefix.js'

export const prefixOptions = z.strictObject({
  of: slot('model').describe('the decoder that is adapted'),
  length: z.int().positive().default(16).describe('keys and values a block that every token sees'),
  scale: z.number().positive().default(0.02).describe('standard deviation of the first keys and values'),
})

declare module 'ockham' {
  interface Catalog {
    prefix: { kind: 'model'; options: z.input<typeof prefixOptions> }
  }
}

export default definePlugin({
  name: 'prefix',
  provides: [
    component({
      kind: 'model',
      name: 'prefix',
      about: 'A decoder that attends to learnt keys and values too; the rest is frozen',
      options: prefixOptions,
      offers: ['weights'],
      create: ({ of, ...options }) => prefix(of, options),
    }),
  ],
})
