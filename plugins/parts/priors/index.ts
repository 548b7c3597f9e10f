import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { flat, flatOptions } from './flat.js'
import { functionNorm, functionNormOptions } from './function-norm.js'
import { horseshoe, horseshoeOptions } from './horseshoe.js'
import { laplacePrior, laplacePriorOptions } from './laplace.js'
import { l2Sp, l2SpOptions } from './l2-sp.js'
import { mixtureOptions, mixturePrior, spikeAndSlab, spikeAndSlabOptions } from './mixture.js'
import { normal, normalOptions } from './normal.js'
import { outlierExposure, outlierExposureOptions } from './outlier-exposure.js'
import { studentT, studentTOptions } from './student-t.js'

export { flat, flatOptions } from './flat.js'
export { functionNorm, functionNormOptions } from './function-norm.js'
export { horseshoe, horseshoeDensity, horseshoeOptions } from './horseshoe.js'
export { laplaceDensity, laplacePrior, laplacePriorOptions } from './laplace.js'
export { l2Sp, l2SpOptions } from './l2-sp.js'
export { mixtureOptions, mixturePrior, spikeAndSlab, spikeAndSlabOptions, twoNormals } from './mixture.js'
export { normal, normalOptions, scales } from './normal.js'
export { outlierExposure, outlierExposureOptions } from './outlier-exposure.js'
export { studentT, studentTDensity, studentTOptions } from './student-t.js'

declare module 'ockham' {
  interface Catalog {
    flat: { kind: 'prior'; options: z.input<typeof flatOptions> }
    normal: { kind: 'prior'; options: z.input<typeof normalOptions> }
    'l2-sp': { kind: 'prior'; options: z.input<typeof l2SpOptions> }
    'function-norm': { kind: 'prior'; options: z.input<typeof functionNormOptions> }
    'outlier-exposure': { kind: 'prior'; options: z.input<typeof outlierExposureOptions> }
    'laplace-prior': { kind: 'prior'; options: z.input<typeof laplacePriorOptions> }
    'student-t': { kind: 'prior'; options: z.input<typeof studentTOptions> }
    mixture: { kind: 'prior'; options: z.input<typeof mixtureOptions> }
    horseshoe: { kind: 'prior'; options: z.input<typeof horseshoeOptions> }
    'spike-and-slab': { kind: 'prior'; options: z.input<typeof spikeAndSlabOptions> }
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
    component({
      kind: 'prior',
      name: 'laplace-prior',
      about: 'Double exponential density of every parameter: the lasso',
      options: laplacePriorOptions,
      requires: { inference: ['weights'] },
      create: laplacePrior,
    }),
    component({
      kind: 'prior',
      name: 'student-t',
      about: 'Student’s density of every parameter: heavy tails',
      options: studentTOptions,
      requires: { inference: ['weights'] },
      create: studentT,
    }),
    component({
      kind: 'prior',
      name: 'mixture',
      about: 'A wide and a narrow normal of every parameter',
      options: mixtureOptions,
      requires: { inference: ['weights'] },
      create: mixturePrior,
    }),
    component({
      kind: 'prior',
      name: 'horseshoe',
      about: 'Half-Cauchy scales integrated out: a pole at zero and heavy tails',
      options: horseshoeOptions,
      requires: { inference: ['weights'] },
      create: horseshoe,
    }),
    component({
      kind: 'prior',
      name: 'spike-and-slab',
      about: 'Parameters either next to zero or free',
      options: spikeAndSlabOptions,
      requires: { inference: ['weights'] },
      create: spikeAndSlab,
    }),
  ],
})
