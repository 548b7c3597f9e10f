import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { mcDropout, mcDropoutOptions } from './mc-dropout.js'

export { dropping, type Dropping } from './dropping.js'
export { mcDropout, mcDropoutOptions, type McDropoutOptions } from './mc-dropout.js'

declare module 'ockham' {
  interface Catalog {
    'mc-dropout': { kind: 'inference'; options: z.input<typeof mcDropoutOptions> }
  }
}

export default definePlugin({
  name: 'mc-dropout',
  provides: [
    component({
      kind: 'inference',
      name: 'mc-dropout',
      about: 'Training with dropout; predictions averaged over masks',
      options: mcDropoutOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'] },
      offers: ['weights'],
      create: mcDropout,
    }),
  ],
})
