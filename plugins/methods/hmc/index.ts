import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { hmc, nuts } from './hmc.js'
import { hmcOptions, nutsOptions } from './options.js'

export { hmc, nuts, type HmcOptions, type NutsOptions } from './hmc.js'
export { hmcOptions, nutsOptions } from './options.js'
export { hamiltonian, leapfrog, type Phase, type Potential } from './phase.js'

declare module 'ockham' {
  interface Catalog {
    hmc: { kind: 'inference'; options: z.input<typeof hmcOptions> }
    nuts: { kind: 'inference'; options: z.input<typeof nutsOptions> }
  }
}

const common = { kind: 'inference', needs: { engine: ENGINE }, requires: { model: ['weights'] }, offers: ['weights'] } as const

export default definePlugin({
  name: 'hmc',
  provides: [
    component({
      ...common,
      name: 'hmc',
      about: 'Hamiltonian Monte Carlo over all weights, full-batch gradients; for small models',
      options: hmcOptions,
      create: hmc,
    }),
    component({
      ...common,
      name: 'nuts',
      about: 'The no-U-turn sampler: Hamiltonian Monte Carlo that chooses how far to go',
      options: nutsOptions,
      create: nuts,
    }),
  ],
})
