import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { baoa, hamiltonianOptions, langevinOptions, preconditionedOptions, psgld, sghmc, sgld, sgnht } from './dynamics.js'
import { sgMcmc, sgMcmcOptions } from './sg-mcmc.js'

export { cyclicalFactor, quietly, type Cycles } from './cycles.js'
export { baoa, hamiltonianOptions, langevinOptions, preconditionedOptions, psgld, sghmc, sgld, sgnht, type Dynamics } from './dynamics.js'
export { keptSteps, sgMcmc, sgMcmcOptions, type SgMcmcOptions } from './sg-mcmc.js'

declare module 'ockham' {
  interface Catalog {
    sgld: { kind: 'optimizer'; options: z.input<typeof langevinOptions> }
    psgld: { kind: 'optimizer'; options: z.input<typeof preconditionedOptions> }
    sghmc: { kind: 'optimizer'; options: z.input<typeof hamiltonianOptions> }
    baoa: { kind: 'optimizer'; options: z.input<typeof hamiltonianOptions> }
    sgnht: { kind: 'optimizer'; options: z.input<typeof hamiltonianOptions> }
    'sg-mcmc': { kind: 'inference'; options: z.input<typeof sgMcmcOptions> }
  }
}

export default definePlugin({
  name: 'sg-mcmc',
  provides: [
    component({ kind: 'optimizer', name: 'sgld', about: 'Langevin dynamics', options: langevinOptions, create: sgld }),
    component({
      kind: 'optimizer',
      name: 'psgld',
      about: 'Langevin dynamics scaled by running squared gradients',
      options: preconditionedOptions,
      create: psgld,
    }),
    component({
      kind: 'optimizer',
      name: 'sghmc',
      about: 'Hamiltonian dynamics with friction and noise',
      options: hamiltonianOptions,
      create: sghmc,
    }),
    component({
      kind: 'optimizer',
      name: 'baoa',
      about: 'Hamiltonian dynamics by splitting, exact in its stationary variance on a quadratic',
      options: hamiltonianOptions,
      create: baoa,
    }),
    component({
      kind: 'optimizer',
      name: 'sgnht',
      about: 'Hamiltonian dynamics whose friction holds the temperature',
      options: hamiltonianOptions,
      create: sgnht,
    }),
    component({
      kind: 'inference',
      name: 'sg-mcmc',
      about: 'Posterior of the weights that a sampler visits',
      options: sgMcmcOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'] },
      offers: ['weights'],
      create: sgMcmc,
    }),
  ],
})
