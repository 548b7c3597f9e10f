import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { flat, flatOptions } from './flat.js'
import { normal, normalOptions } from './normal.js'

export { flat, flatOptions } from './flat.js'
export { normal, normalOptions, scales } from './normal.js'

declare module 'ockham' {
  interface Catalog {
    flat: { kind: 'prior'; options: z.input<typeof flatOptions> }
    normal: { kind: 'prior'; options: z.input<typeof normalOptions> }
  }
}

export default definePlugin({
  name: 'priors',
  provides: [
    component({
      kind: 'prior',
      name: 'flat',
      about: 'No prior: maximum likelihood',
      options: flatOptions,
      create: flat,
    }),
    component({
      kind: 'prior',
      name: 'normal',
      about: 'Zero-mean normal density on every parameter; weight decay as a prior',
      options: normalOptions,
      requires: { inference: ['weights'] },
      offers: ['gaussian'],
      create: normal,
    }),
  ],
})
