import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { fseb } from './fseb.js'
import { fsebOptions } from './options.js'
import { sensitivity, sensitivityOptions } from './sensitivity.js'
import { tuned, tunedOptions } from './tuned.js'

declare module 'ockham' {
  interface Catalog {
    fseb: { kind: 'prior'; options: z.input<typeof fsebOptions> }
    'fseb-tuned': { kind: 'inference'; options: z.input<typeof tunedOptions> }
    'fseb-sensitivity': { kind: 'evaluation'; options: z.input<typeof sensitivityOptions> }
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
    component({
      kind: 'inference',
      name: 'fseb-tuned',
      about: 'Another inference at several strengths of the prior fseb; the best on the validation split',
      options: tunedOptions,
      needs: { engine: ENGINE },
      offers: ({ of }, offersOf) => (of ? offersOf(of) : ['weights']),
      create: tuned,
    }),
    component({
      kind: 'evaluation',
      name: 'fseb-sensitivity',
      about: 'How the validation likelihood depends on the strengths that fseb-tuned tried',
      options: sensitivityOptions,
      create: sensitivity,
    }),
  ],
})
