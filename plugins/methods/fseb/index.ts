import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { fseb } from './fseb.js'
import { fsebOptions } from './options.js'

declare module 'ockham' {
  interface Catalog {
    fseb: { kind: 'prior'; options: z.input<typeof fsebOptions> }
  }
}

export default definePlugin({
  name: 'fseb',
  provides: [
    component({
      kind: 'prior',
      name: 'fseb',
      about: 'Holds the function near zero at context points, Rudner et al. 2023',
      options: fsebOptions,
      requires: { model: ['head'], inference: ['weights'] },
      create: fseb,
    }),
  ],
})
