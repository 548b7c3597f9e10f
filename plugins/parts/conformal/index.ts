import { component, DATASET, definePlugin } from 'ockham'
import type { z } from 'zod'
import { conformal, conformalOptions } from './conformal.js'
import { jackknife, jackknifeOptions } from './jackknife.js'

export { betaBinomial, conformalRank, coverageBand, expectedCoverage, type Band } from './band.js'
export { adaptiveScores, classScores, ofLabels, setsOf, thresholdScores, type ClassScore, type Penalty } from './classes.js'
export { conformal, conformalOptions, redrawn, type ConformalOptions } from './conformal.js'
export { foldsOf, jackknife, jackknifeOptions, leastCoverage, type JackknifeOptions } from './jackknife.js'
export { checkFitted, checkNames, checkRows } from './disjoint.js'
export { jackknifePlus, normalisedResiduals, numberScores, quantileScores, residuals, type Interval, type NumberScore } from './numbers.js'

declare module 'ockham' {
  interface Catalog {
    conformal: { kind: 'evaluation'; options: z.input<typeof conformalOptions> }
    'jackknife-plus': { kind: 'evaluation'; options: z.input<typeof jackknifeOptions> }
  }
}

export default definePlugin({
  name: 'conformal',
  provides: [
    component({
      kind: 'evaluation',
      name: 'conformal',
      about: 'Conformal prediction sets or intervals: coverage, its exact band, and size',
      options: conformalOptions,
      needs: { dataset: DATASET },
      create: conformal,
    }),
    component({
      kind: 'evaluation',
      name: 'jackknife-plus',
      about: 'Intervals from models that each left some training rows out (jackknife+, CV+): coverage and width',
      options: jackknifeOptions,
      needs: { dataset: DATASET },
      create: jackknife,
    }),
  ],
})
