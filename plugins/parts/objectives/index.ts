import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { crossEntropy, crossEntropyOptions } from './cross-entropy.js'
import { gaussian, gaussianOptions } from './gaussian.js'

export { crossEntropy, crossEntropyOptions, softmaxRoot } from './cross-entropy.js'
export { gaussian, gaussianOptions } from './gaussian.js'

declare module 'ockham' {
  interface Catalog {
    'cross-entropy': { kind: 'objective'; options: z.input<typeof crossEntropyOptions> }
    gaussian: { kind: 'objective'; options: z.input<typeof gaussianOptions> }
  }
}

export default definePlugin({
  name: 'objectives',
  provides: [
    component({
      kind: 'objective',
      name: 'cross-entropy',
      about: 'Negative log-likelihood of class labels under softmax outputs',
      options: crossEntropyOptions,
      requires: { dataset: ['classification'] },
      offers: ({ smoothing }) => (smoothing === 0 ? ['root', 'categorical'] : ['categorical']),
      create: crossEntropy,
    }),
    component({
      kind: 'objective',
      name: 'gaussian',
      about: 'Negative log-likelihood of real targets under normal noise of known size',
      options: gaussianOptions,
      requires: { dataset: ['regression'] },
      offers: ['root', 'normal'],
      create: gaussian,
    }),
  ],
})
