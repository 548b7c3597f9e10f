import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { flatness, flatnessOptions } from './flatness.js'
import { fsMap, fsMapOptions } from './fs-map.js'
import { lmap, lmapOptions } from './lmap.js'

declare module 'ockham' {
  interface Catalog {
    lmap: { kind: 'prior'; options: z.input<typeof lmapOptions> }
    'fs-map': { kind: 'prior'; options: z.input<typeof fsMapOptions> }
    flatness: { kind: 'evaluation'; options: z.input<typeof flatnessOptions> }
  }
}

export default definePlugin({
  name: 'lmap',
  provides: [
    component({
      kind: 'prior',
      name: 'lmap',
      about: 'Function-space prior by its Laplacian: one random perturbation a step, Qiu et al. 2023',
      options: lmapOptions,
      requires: { inference: ['weights'] },
      create: lmap,
    }),
    component({
      kind: 'prior',
      name: 'fs-map',
      about: 'Density of the function that the weights induce, exact, for small models; Qiu et al. 2023',
      options: fsMapOptions,
      requires: { inference: ['weights'] },
      create: fsMap,
    }),
    component({
      kind: 'evaluation',
      name: 'flatness',
      about: 'Hessian trace, largest eigenvalues, and the loss along random directions',
      options: flatnessOptions,
      requires: { inference: ['weights'] },
      create: flatness,
    }),
  ],
})
