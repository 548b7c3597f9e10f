import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { flat, flatOptions } from './flat.js'
import { functionNorm, functionNormOptions } from './function-norm.js'
import { l2Sp, l2SpOptions } from './l2-sp.js'
import { normal, normalOptions } from './normal.js'
import { outlierExposure, outlierExposureOptions } from './outlier-exposure.js'

export { flat, flatOptions } from './flat.js'
export { functionNorm, functionNormOptions } from './function-norm.js'
export { l2Sp, l2SpOptions } from './l2-sp.js'
export { normal, normalOptions, scales } from './normal.js'
export { outlierExposure, outlierExposureOptions } from './outlier-exposure.js'

declare module 'ockham' {
  interface Catalog {
    flat: { kind: 'prior'; options: z.input<typeof flatOptions> }
    normal: { kind: 'prior'; options: z.input<typeof normalOptions> }
    'l2-sp': { kind: 'prior'; options: z.input<typeof l2SpOptions> }
    'function-norm': { kind: 'prior'; options: z.input<typeof functionNormOptions> }
    'outlier-exposure': { kind: 'prior'; options: z.input<typeof outlierExposureOptions> }
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
    component({
      kind: 'prior',
      name: 'l2-sp',
      about: 'Normal density about the weights that training starts from',
      options: l2SpOptions,
      requires: { inference: ['weights'] },
      create: l2Sp,
    }),
    component({
      kind: 'prior',
      name: 'function-norm',
      about: 'Independent normal outputs at batch and context points: the function held small',
      options: functionNormOptions,
      requires: { inference: ['weights'] },
      create: functionNorm,
    }),
    component({
      kind: 'prior',
      name: 'outlier-exposure',
      about: 'Predictions at context points held to be uniform',
      options: outlierExposureOptions,
      requires: { inference: ['weights'], objective: ['categorical'] },
      create: outlierExposure,
    }),
  ],
})
