import { component, DATASET, definePlugin } from 'ockham'
import { z } from 'zod'
import { testSetBound } from './certificate.js'
import { clopperPearson } from './clopper-pearson.js'
import { compression, compressionOptions } from './compression.js'
import { empiricalBernstein, hoeffding } from './concentration.js'
import { klInverse } from './kl-inverse.js'

export { bound, type Asked, type Bounded, type Method } from './bound.js'
export { compression, compressionOptions, drawsOf, sha256, type CompressionOptions } from './compression.js'
export { described, messageOf, type DescribedOptions, type Evaluated } from './described.js'
export { assumptionsOf, formulaOf } from './statement.js'
export { scalingBits } from './description.js'
export { conformalRiskControl, conformalThreshold } from './conformal.js'
export { natsOf, occamHoeffding, occamKl, occamRealisable, prefixLength, type Accounting } from './occam.js'
export {
  catoni,
  catoniMap,
  catoniOptimised,
  gaussianKl,
  mcAllester,
  mcAllester1999,
  pacBayesKl,
  quadratic,
  scalePrice,
  thiemann,
} from './pac-bayes.js'
export { lossesOf, type RowLoss, type Scored } from './risk.js'
export { logBinomial, sampleCompression } from './sample-compression.js'
export { alphaGrid, dyadicAlphas, optimalAlpha, rootMeanSquareRange, smoothedLoss, smoothedMean, smoothedRange } from './smoothing.js'
export { randomTopK, topKErrors, unitAssumption, unitLosses, windows, type Unit, type Window } from './tokens.js'
export { choiceBits, divided, jointConfidence, unionPrice } from './union.js'
export { testSetBound, type Loss, type Losses } from './certificate.js'
export { clopperPearson } from './clopper-pearson.js'
export { empiricalBernstein, hoeffding } from './concentration.js'
export { digests } from './digest.js'
export { binaryKl, klInverse } from './kl-inverse.js'

const split = z.string().default('test').describe('a labelled split that took no part in learning or choosing')

export const clopperPearsonOptions = z.strictObject({ split })

/** Of bounds on losses in [0, 1]. */
export const klInverseOptions = z.strictObject({
  split,
  loss: z.enum(['error', 'brier']).default('error').describe("'brier' bounds half the Brier score, which is in [0, 1]"),
})

declare module 'ockham' {
  interface Catalog {
    'clopper-pearson': { kind: 'bound'; options: z.input<typeof clopperPearsonOptions> }
    'kl-inverse': { kind: 'bound'; options: z.input<typeof klInverseOptions> }
    hoeffding: { kind: 'bound'; options: z.input<typeof klInverseOptions> }
    'empirical-bernstein': { kind: 'bound'; options: z.input<typeof klInverseOptions> }
    compression: { kind: 'bound'; options: z.input<typeof compressionOptions> }
  }
}

const needs = { dataset: DATASET }
const requires = { dataset: ['classification'], objective: ['categorical'] }

export default definePlugin({
  name: 'bounds',
  provides: [
    component({
      kind: 'bound',
      name: 'clopper-pearson',
      about: 'Exact binomial upper bound on the error rate, from the test errors',
      options: clopperPearsonOptions,
      needs,
      requires,
      create: (options, needed) =>
        testSetBound(
          { ...options, loss: 'error', formula: 'value = quantile 1 − delta of Beta(errors + 1, n − errors)' },
          ({ sum, n }, delta) => clopperPearson(sum, n, delta),
          needed,
        ),
    }),
    component({
      kind: 'bound',
      name: 'kl-inverse',
      about: 'Chernoff bound on the error rate or the halved Brier score, from the test losses',
      options: klInverseOptions,
      needs,
      requires,
      create: (options, needed) =>
        testSetBound(
          { ...options, formula: 'value = largest p with kl(rate ‖ p) ≤ ln(1/delta) / n' },
          ({ sum, n }, delta) => klInverse(sum / n, -Math.log(delta) / n),
          needed,
        ),
    }),
    component({
      kind: 'bound',
      name: 'hoeffding',
      about: 'Hoeffding bound on the error rate or the halved Brier score, from the test losses',
      options: klInverseOptions,
      needs,
      requires,
      create: (options, needed) =>
        testSetBound(
          { ...options, formula: 'value = rate + √(ln(1/delta) / 2n)' },
          ({ sum, n }, delta) => hoeffding(sum / n, n, delta),
          needed,
        ),
    }),
    component({
      kind: 'bound',
      name: 'empirical-bernstein',
      about: 'Empirical Bernstein bound on the error rate or the halved Brier score, from the test losses and their variance',
      options: klInverseOptions,
      needs,
      requires,
      create: (options, needed) =>
        testSetBound(
          { ...options, formula: 'value = rate + √(2 variance ln(2/delta) / n) + 7 ln(2/delta) / (3(n − 1))' },
          ({ sum, n, variance }, delta) => empiricalBernstein(sum / n, variance, n, delta),
          needed,
        ),
    }),
    component({
      kind: 'bound',
      name: 'compression',
      about: 'Occam bound from the training losses and the length of the message that rebuilds the model',
      options: compressionOptions,
      needs,
      requires: { ...requires, inference: ['message'] },
      create: compression,
    }),
  ],
})
