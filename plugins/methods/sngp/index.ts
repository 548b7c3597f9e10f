import { component, definePlugin, slot } from 'ockham'
import { z } from 'zod'
import { sngp } from './sngp.js'

export { randomFeatures, sngp, type SngpOptions } from './sngp.js'
export { boundedLayers, directionOf } from './spectral.js'

export const sngpOptions = z.strictObject({
  of: slot('model').describe('the network, whose last layer is called head'),
  features: z.int().positive().default(1024).describe('random features of the head'),
  lengthScale: z.number().positive().default(1).describe('of the squared exponential kernel on the last hidden layer'),
  bound: z.number().positive().default(0.95).describe('largest singular value of hidden kernels, each as a matrix [inputs, outputs]'),
})

declare module 'ockham' {
  interface Catalog {
    sngp: { kind: 'model'; options: z.input<typeof sngpOptions> }
  }
}

export default definePlugin({
  name: 'sngp',
  provides: [
    component({
      kind: 'model',
      name: 'sngp',
      about: 'A network of bounded spectral norm whose head is linear in random features of a Gaussian process',
      options: sngpOptions,
      offers: ['weights'],
      create: ({ of, ...options }) => sngp(of, options),
    }),
  ],
})
