import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { laplace } from './laplace.js'
import { laplaceOptions } from './options.js'

export { laplaceOptions, type LaplaceOptions } from './options.js'
export { laplace } from './laplace.js'
export type { Fitted, LaplacePosterior } from './posterior.js'

declare module 'ockham' {
  interface Catalog {
    laplace: { kind: 'inference'; options: z.input<typeof laplaceOptions> }
  }
}

export default definePlugin({
  name: 'laplace',
  provides: [
    component({
      kind: 'inference',
      name: 'laplace',
      about: 'Gaussian posterior from the curvature at trained weights, with the evidence it gives',
      options: laplaceOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'], objective: ['root'], inference: ['weights'] },
      offers: ({ structure, subset }) =>
        structure === 'diagonal' && subset === 'all' ? ['weights', 'evidence', 'gaussian'] : ['weights', 'evidence'],
      create: laplace,
    }),
  ],
})
