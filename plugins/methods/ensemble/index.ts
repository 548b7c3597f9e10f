import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { ensemble, ensembleOptions } from './ensemble.js'

export { ensemble, ensembleOptions, type EnsembleOptions } from './ensemble.js'
export { ensembleOf, type Ensemble } from './posterior.js'

declare module 'ockham' {
  interface Catalog {
    ensemble: { kind: 'inference'; options: z.input<typeof ensembleOptions> }
  }
}

export default definePlugin({
  name: 'ensemble',
  provides: [
    component({
      kind: 'inference',
      name: 'ensemble',
      about: 'Members of any inference, or finished runs, that predict together',
      options: ensembleOptions,
      needs: { engine: ENGINE },
      offers: ({ of }, offersOf) => (of ? offersOf(of).filter((offer) => offer === 'weights') : ['weights']),
      create: ensemble,
    }),
  ],
})
