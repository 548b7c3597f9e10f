import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { batchEnsemble, batchEnsembleOptions } from './batch-ensemble.js'

export { batchEnsemble, batchEnsembleOptions, type BatchEnsembleOptions } from './batch-ensemble.js'
export { memberOf, shared, slowed, type Members } from './members.js'

declare module 'ockham' {
  interface Catalog {
    'batch-ensemble': { kind: 'inference'; options: z.input<typeof batchEnsembleOptions> }
  }
}

export default definePlugin({
  name: 'batch-ensemble',
  provides: [
    component({
      kind: 'inference',
      name: 'batch-ensemble',
      about: 'An ensemble whose members share kernels and have factors of rank one',
      options: batchEnsembleOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'] },
      offers: ['weights'],
      create: batchEnsemble,
    }),
  ],
})
