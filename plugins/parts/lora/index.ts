import { component, definePlugin, slot } from 'ockham'
import { z } from 'zod'
import { lora } from './lora.js'

export { adapted, denseLayers, lora, loraInit, type Layer, type LoraOptions } from './lora.js'
export { merged, unmerged } from './merge.js'
export { decodePeft, encodePeft, isLlama, peftFiles, type PeftAdapter } from './peft.js'

export const loraOptions = z.strictObject({
  of: slot('model').describe('the model that is adapted'),
  targets: z
    .union([z.literal('linear'), z.array(z.string()).min(1)])
    .default(['attn.q', 'attn.v'])
    .describe('layers that are adapted: names or their ends; `linear` is every dense layer but the head'),
  rank: z.int().positive().default(8).describe('columns of A and rows of B'),
  alpha: z.number().positive().default(16).describe('the product counts alpha / rank times'),
  dropout: z.number().min(0).max(0.99).default(0).describe('share of an adapted layer’s inputs dropped before A, while training'),
})

declare module 'ockham' {
  interface Catalog {
    lora: { kind: 'model'; options: z.input<typeof loraOptions> }
  }
}

export default definePlugin({
  name: 'lora',
  provides: [
    component({
      kind: 'model',
      name: 'lora',
      about: 'A model whose dense layers learn a product of low rank; the rest is frozen',
      options: loraOptions,
      offers: ['weights'],
      create: ({ of, ...options }) => lora(of, options),
    }),
  ],
})
