import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { swag, swagOptions } from './swag.js'

export { drawn, noiseOf, type Form } from './gaussian.js'
export { none, seen, variances, type Moments } from './moments.js'
export { averagingFactor } from './schedule.js'
export { swag, swagOptions, type SwagOptions } from './swag.js'

declare module 'ockham' {
  interface Catalog {
    swag: { kind: 'inference'; options: z.input<typeof swagOptions> }
  }
}

export default definePlugin({
  name: 'swag',
  provides: [
    component({
      kind: 'inference',
      name: 'swag',
      about: 'Gaussian posterior from the trajectory of stochastic descent',
      options: swagOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'] },
      offers: ['weights'],
      create: swag,
    }),
  ],
})
