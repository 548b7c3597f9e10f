import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { ivon, ivonOptions, ivonStep, ivonStepOptions } from './ivon.js'
import { variational, variationalOptions } from './variational.js'

export { divergence, inverseSoftplus, softplus, spreadPosterior, type Spread } from './gaussian.js'
export { ivon, ivonOptions, ivonStep, ivonStepOptions, type IvonOptions, type IvonStep } from './ivon.js'
export { deviations, drawnPoint, spreadModel, type Estimator } from './spread-model.js'
export { variational, variationalOptions, type VariationalOptions } from './variational.js'

declare module 'ockham' {
  interface Catalog {
    variational: { kind: 'inference'; options: z.input<typeof variationalOptions> }
    ivon: { kind: 'inference'; options: z.input<typeof ivonOptions> }
    'ivon-step': { kind: 'optimizer'; options: z.input<typeof ivonStepOptions> }
  }
}

export default definePlugin({
  name: 'variational',
  provides: [
    component({
      kind: 'inference',
      name: 'variational',
      about: 'Normal posterior of independent weights by gradients of the evidence bound',
      options: variationalOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'] },
      offers: ['weights', 'gaussian'],
      create: variational,
    }),
    component({
      kind: 'inference',
      name: 'ivon',
      about: 'Normal posterior of independent weights by a natural-gradient step as cheap as Adam’s',
      options: ivonOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'] },
      offers: ['weights', 'gaussian'],
      create: ivon,
    }),
    component({
      kind: 'optimizer',
      name: 'ivon-step',
      about: 'The step of IVON: gradients at noisy weights, with a running curvature',
      options: ivonStepOptions,
      create: ivonStep,
    }),
  ],
})
