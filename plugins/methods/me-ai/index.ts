import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { crossFitted, crossFittedOptions } from './cross-fitted.js'
import { descriptors, descriptorsOptions } from './descriptors.js'
import { elementProducts, elementProductsOptions } from './element-products.js'
import { permutation, permutationOptions } from './permutation.js'
import { transfer, transferOptions } from './transfer.js'

declare module 'ockham' {
  interface Catalog {
    'cross-fitted': { kind: 'inference'; options: z.input<typeof crossFittedOptions> }
    descriptors: { kind: 'evaluation'; options: z.input<typeof descriptorsOptions> }
    'element-products': { kind: 'evaluation'; options: z.input<typeof elementProductsOptions> }
    permutation: { kind: 'evaluation'; options: z.input<typeof permutationOptions> }
    transfer: { kind: 'evaluation'; options: z.input<typeof transferOptions> }
  }
}

export default definePlugin({
  name: 'me-ai',
  provides: [
    component({
      kind: 'inference',
      name: 'cross-fitted',
      about: 'Another inference on every training fold of every shuffle; predictions for the rows left out',
      options: crossFittedOptions,
      create: crossFitted,
    }),
    component({
      kind: 'evaluation',
      name: 'descriptors',
      about: 'Which ratios and products of features decide, with their spread over fits',
      options: descriptorsOptions,
      create: descriptors,
    }),
    component({
      kind: 'evaluation',
      name: 'transfer',
      about: 'How well what was learnt from one table ranks the rows of another',
      options: transferOptions,
      requires: { objective: ['categorical'] },
      create: transfer,
    }),
    component({
      kind: 'evaluation',
      name: 'element-products',
      about: 'Scores compounds of two elements by the product of what the model says of each element',
      options: elementProductsOptions,
      requires: { objective: ['categorical'] },
      create: elementProducts,
    }),
    component({
      kind: 'evaluation',
      name: 'permutation',
      about: 'What the learnt correlations would be under shuffled labels, and their p-values',
      options: permutationOptions,
      create: permutation,
    }),
  ],
})
