import { component, DATASET, definePlugin } from 'ockham'
import { z } from 'zod'
import { testSetBound } from './certificate.js'
import { clopperPearson } from './clopper-pearson.js'
import { klInverse } from './kl-inverse.js'

export { testSetBound, type Loss, type Losses } from './certificate.js'
export { clopperPearson } from './clopper-pearson.js'
export { empiricalBernstein, hoeffding } from './concentration.js'
export { digests } from './digest.js'
export { binaryKl, klInverse } from './kl-inverse.js'

const split = z.string().default('test').describe('a labelled split that took no part in learning or choosing')

export const clopperPearsonOptions = z.strictObject({ split })

export const klInverseOptions = z.strictObject({
  split,
  loss: z.enum(['error', 'brier']).default('error').describe("'brier' bounds half the Brier score, which is in [0, 1]"),
})

declare module 'ockham' {
  interface Catalog {
    'clopper-pearson': { kind: 'bound'; options: z.input<typeof clopperPearsonOptions> }
    'kl-inverse': { kind: 'bound'; options: z.input<typeof klInverseOptions> }
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
        testSetBound({ ...options, loss: 'error' }, ({ sum, n }, delta) => clopperPearson(sum, n, delta), needed),
    }),
    component({
      kind: 'bound',
      name: 'kl-inverse',
      about: 'Chernoff bound on the error rate or the halved Brier score, from the test losses',
      options: klInverseOptions,
      needs,
      requires,
      create: (options, needed) => testSetBound(options, ({ sum, n }, delta) => klInverse(sum / n, -Math.log(delta) / n), needed),
    }),
  ],
})
