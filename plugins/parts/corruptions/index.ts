import { component, DATASET, definePlugin } from 'ockham'
import type { z } from 'zod'
import { corrupted, corruptedOptions } from './corrupted.js'
import { corruption, corruptionOptions } from './corruption.js'

export { corrupt, corrupted, corruptedOptions } from './corrupted.js'
export { corruption, corruptionOptions } from './corruption.js'
export { corruptions, families, usual, type Corruption } from './families.js'
export type { Corrupt, Image } from './image.js'

declare module 'ockham' {
  interface Catalog {
    corrupted: { kind: 'dataset'; options: z.input<typeof corruptedOptions> }
    corruption: { kind: 'evaluation'; options: z.input<typeof corruptionOptions> }
  }
}

export default definePlugin({
  name: 'corruptions',
  provides: [
    component({
      kind: 'dataset',
      name: 'corrupted',
      about: 'Images of another dataset, corrupted at one of five severities',
      options: corruptedOptions,
      offers: ({ of }, offersOf) => offersOf(of),
      create: corrupted,
    }),
    component({
      kind: 'evaluation',
      name: 'corruption',
      about: 'Accuracy, likelihood and calibration where images are corrupted',
      options: corruptionOptions,
      needs: { dataset: DATASET },
      requires: { objective: ['categorical'] },
      create: corruption,
    }),
  ],
})
