import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { adam, adamOptions, adamw, adamwOptions } from './adam.js'
import { given, givenOptions } from './given.js'
import { mapOptions, maximumAPosteriori } from './map.js'
import { shuffled, shuffledOptions } from './samplers.js'
import { sgd, sgdOptions } from './sgd.js'

export { copy, flatten, floats, halfSquares, like, map, prefix, split, sumSquares, under, unflatten, value, zeros, zip } from './trees.js'
export { alike, bucketing, bucketLengths, bucketOf, cutTo, padTo, type Bucketing, type Buckets } from './buckets.js'
export { asBatch, asInput, batches, type BatchOptions } from './batches.js'
export { sequential, shuffled, stepsPerEpoch } from './samplers.js'
export { rate, type Schedule } from './schedule.js'
export { refresh, refresher, type Refresher, type RefreshOptions } from './refresh.js'
export { jointPass, weightedMean, type Pass, type PassInput, type Terms } from './pass.js'
export { clipped, type Combine } from './gradient.js'
export { descend, type Collector, type Descended, type Descent, type Track } from './descend.js'
export { initialVariables } from './initial.js'
export { predictor, silent, type Predictor, type PredictorOptions } from './predict.js'
export { meanLoss, type LossOptions } from './losses.js'
export { mixture } from './mixture.js'
export { average } from './average.js'
export { averagedOver } from './averaged.js'
export { concatRows, rowsOf } from './rows.js'
export { fromWeights, pointMass, savedWeights } from './weights.js'
export { descentShape, mapOptions, maximumAPosteriori, stepsOf, type MapOptions } from './map.js'
export { given } from './given.js'
export { adam, adamOptions, adamw, adamwOptions } from './adam.js'
export { sgd, sgdOptions } from './sgd.js'
export type { Early } from './watch.js'

declare module 'ockham' {
  interface Catalog {
    map: { kind: 'inference'; options: z.input<typeof mapOptions> }
    given: { kind: 'inference'; options: z.input<typeof givenOptions> }
    shuffled: { kind: 'sampler'; options: z.input<typeof shuffledOptions> }
    sgd: { kind: 'optimizer'; options: z.input<typeof sgdOptions> }
    adam: { kind: 'optimizer'; options: z.input<typeof adamOptions> }
    adamw: { kind: 'optimizer'; options: z.input<typeof adamwOptions> }
  }
}

const needs = { engine: ENGINE }

export default definePlugin({
  name: 'training',
  provides: [
    component({
      kind: 'inference',
      name: 'map',
      about: 'Maximum a posteriori weights by stochastic descent',
      options: mapOptions,
      needs,
      requires: { model: ['weights'] },
      offers: ['weights'],
      create: maximumAPosteriori,
    }),
    component({
      kind: 'inference',
      name: 'given',
      about: 'The initial posterior as it is; trains nothing',
      options: givenOptions,
      needs,
      offers: ['weights'],
      create: given,
    }),
    component({
      kind: 'sampler',
      name: 'shuffled',
      about: 'Every example once an epoch, in a fresh random order',
      options: shuffledOptions,
      create: shuffled,
    }),
    component({ kind: 'optimizer', name: 'sgd', about: 'Stochastic gradient descent with momentum', options: sgdOptions, create: sgd }),
    component({ kind: 'optimizer', name: 'adam', about: 'Adam', options: adamOptions, create: adam }),
    component({ kind: 'optimizer', name: 'adamw', about: 'Adam with decoupled weight decay', options: adamwOptions, create: adamw }),
  ],
})
