import { component, definePlugin, MODEL } from 'ockham'
import type { z } from 'zod'
import { coordinates, coordinatesOptions } from './coordinates.js'
import { features, featuresOptions } from './features.js'
import { flatness, flatnessOptions } from './flatness.js'
import { fourier, fourierOptions } from './fourier.js'
import { fsMap, fsMapOptions } from './fs-map.js'
import { lmap, lmapOptions } from './lmap.js'

declare module 'ockham' {
  interface Catalog {
    lmap: { kind: 'prior'; options: z.input<typeof lmapOptions> }
    'fs-map': { kind: 'prior'; options: z.input<typeof fsMapOptions> }
    coordinates: { kind: 'prior'; options: z.input<typeof coordinatesOptions> }
    features: { kind: 'model'; options: z.input<typeof featuresOptions> }
    fourier: { kind: 'dataset'; options: z.input<typeof fourierOptions> }
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
      kind: 'prior',
      name: 'coordinates',
      about: 'Normal weights of fixed features, their density over weights, functions or reciprocals; Qiu et al. 2023',
      options: coordinatesOptions,
      needs: { model: MODEL },
      requires: { model: ['elementwise'], inference: ['weights'] },
      create: coordinates,
    }),
    component({
      kind: 'model',
      name: 'features',
      about: 'Fixed Fourier features or bumps, their weights functions of a parameter each',
      options: featuresOptions,
      offers: ['weights', 'elementwise'],
      create: features,
    }),
    component({
      kind: 'dataset',
      name: 'fourier',
      about: 'A random sum of waves at random points with noise, and the function itself; Qiu et al. 2023',
      options: fourierOptions,
      offers: ['regression'],
      create: fourier,
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
