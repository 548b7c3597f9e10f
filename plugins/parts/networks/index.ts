import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { mlp, mlpOptions } from './mlp.js'

export { bind, parametric, type BoundNet } from './net.js'
export { dense, variable } from './dense.js'
export { activations, type Activation } from './activations.js'
export { denseInit, kernel, type Init } from './init.js'
export { inputSize, outputSize } from './sizes.js'
export { mlp, mlpOptions } from './mlp.js'

declare module 'ockham' {
  interface Catalog {
    mlp: { kind: 'model'; options: z.input<typeof mlpOptions> }
  }
}

export default definePlugin({
  name: 'networks',
  provides: [
    component({
      kind: 'model',
      name: 'mlp',
      about: 'Fully connected network on flattened inputs',
      options: mlpOptions,
      offers: ['weights', 'head'],
      create: mlp,
    }),
  ],
})
