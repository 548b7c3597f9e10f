import { component, DATASET, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { ivon, ivonOptions, ivonStep, ivonStepOptions } from './ivon.js'
import { pacBayesBound, pacBayesBoundOptions } from './pac-bayes-bound.js'
import { pacBayes, pacBayesOptions } from './pac-bayes.js'
import { variational, variationalOptions } from './variational.js'

export { divergence, inverseSoftplus, softplus, spreadPosterior, type Spread } from './gaussian.js'
export { ivon, ivonOptions, ivonStep, ivonStepOptions, type IvonOptions, type IvonStep } from './ivon.js'
export { minimised, type BoundName } from './objectives.js'
export { klOf, pacBayesBound, pacBayesBoundOptions } from './pac-bayes-bound.js'
export { pacBayes, pacBayesOptions, type PacBayesOptions, type PacBayesPosterior } from './pac-bayes.js'
export { deviations, drawnPoint, spreadModel, type Estimator } from './spread-model.js'
export { variational, variationalOptions, type VariationalOptions } from './variational.js'

declare module 'ockham' {
  interface Catalog {
    variational: { kind: 'inference'; options: z.input<typeof variationalOptions> }
    'pac-bayes': { kind: 'inference'; options: z.input<typeof pacBayesOptions> }
    'pac-bayes-kl': { kind: 'bound'; options: z.input<typeof pacBayesBoundOptions> }
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
      kind: 'inference',
      name: 'pac-bayes',
      about: 'Normal posterior that minimises a PAC-Bayes bound, with a prior learnt from a share of the data',
      options: pacBayesOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'], objective: ['categorical'] },
      offers: ['weights', 'pac-bayes'],
      create: pacBayes,
    }),
    component({
      kind: 'bound',
      name: 'pac-bayes-kl',
      about: 'PAC-Bayes bound on the error of a stochastic network whose prior saw other examples',
      options: pacBayesBoundOptions,
      needs: { dataset: DATASET },
      requires: { inference: ['pac-bayes'], dataset: ['classification'] },
      create: pacBayesBound,
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
