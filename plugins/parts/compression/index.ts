import { component, definePlugin, ENGINE, slot } from 'ockham'
import { z } from 'zod'
import { dense } from './projectors/dense.js'
import { fastfood } from './projectors/fastfood.js'
import { film } from './projectors/film.js'
import { kronecker, roundedKronecker } from './projectors/kronecker.js'
import { sparse } from './projectors/sparse.js'
import { quantised, quantisedOptions } from './quantised.js'
import { subspace } from './subspace.js'

export { BitReader, BitWriter } from './bits.js'
export { countsOf, decodeSymbols, encodeSymbols, idealBits, type Coded } from './coder.js'
export { countBits, readCounts, writeCounts } from './counts.js'
export { fromHalf, toHalf } from './half.js'
export { referenceLengths, readMessage, writeMessage, type Content, type Layout, type Written } from './message.js'
export { type Projector } from './projectors/projector.js'
export { dense } from './projectors/dense.js'
export { fastfood } from './projectors/fastfood.js'
export { film } from './projectors/film.js'
export { hadamard, walshOnHost } from './projectors/hadamard.js'
export { kronecker, roundedKronecker, roundedSizes } from './projectors/kronecker.js'
export { sparse } from './projectors/sparse.js'
export { assign, kMeans, quantisers, uniformBins, type Quantiser } from './quantiser.js'
export { quantised, quantisedOptions, type Decoding } from './quantised.js'
export { straightThrough } from './straight-through.js'
export { isWrapper, subspace, type Wrapper } from './subspace.js'

export const subspaceOptions = z.strictObject({
  of: slot('model').describe('the model'),
  dim: z.int().positive().describe('numbers that are learnt'),
  projector: slot('projector')
    .prefault('kronecker' as never)
    .describe('the random map from these to all parameters'),
  state: z
    .enum(['learn', 'freeze'])
    .default('learn')
    .describe('running statistics: learnt as in the model itself, or frozen at their start, with the model always run as it predicts'),
})

const noOptions = z.strictObject({})
const roundedOptions = z.strictObject({
  orthonormal: z.boolean().default(true).describe('factors by QR; false leaves them normal'),
})
const filmOptions = z.strictObject({
  names: z
    .array(z.string().min(1))
    .min(1)
    .default(['norm', 'bn', 'scale', 'bias', 'head'])
    .describe('parts of names of the parameters that are moved'),
  with: slot('projector').optional().describe('another projector, which moves all parameters by the same numbers'),
})

declare module 'ockham' {
  interface Catalog {
    subspace: { kind: 'model'; options: z.input<typeof subspaceOptions> }
    quantised: { kind: 'inference'; options: z.input<typeof quantisedOptions> }
    dense: { kind: 'projector'; options: z.input<typeof noOptions> }
    sparse: { kind: 'projector'; options: z.input<typeof noOptions> }
    fastfood: { kind: 'projector'; options: z.input<typeof noOptions> }
    kronecker: { kind: 'projector'; options: z.input<typeof noOptions> }
    'rounded-kronecker': { kind: 'projector'; options: z.input<typeof roundedOptions> }
    film: { kind: 'projector'; options: z.input<typeof filmOptions> }
  }
}

export default definePlugin({
  name: 'compression',
  provides: [
    component({
      kind: 'model',
      name: 'subspace',
      about: 'Any model in a random subspace around its start',
      options: subspaceOptions,
      offers: ['weights'],
      create: subspace,
    }),
    component({
      kind: 'inference',
      name: 'quantised',
      about: 'Weights of a few learnt levels, with the message that says them',
      options: quantisedOptions,
      needs: { engine: ENGINE },
      requires: { model: ['weights'], inference: ['weights'] },
      offers: ['weights', 'message'],
      create: quantised,
    }),
    component({
      kind: 'projector',
      name: 'dense',
      about: 'Random map to the parameters: independent normal entries',
      options: noOptions,
      create: dense,
    }),
    component({
      kind: 'projector',
      name: 'sparse',
      about: 'Random map to the parameters: few entries of one size',
      options: noOptions,
      create: sparse,
    }),
    component({
      kind: 'projector',
      name: 'fastfood',
      about: 'Random map to the parameters by Walsh-Hadamard transforms',
      options: noOptions,
      create: fastfood,
    }),
    component({
      kind: 'projector',
      name: 'kronecker',
      about: 'Random map to the parameters: product of two orthonormal factors',
      options: noOptions,
      create: kronecker,
    }),
    component({
      kind: 'projector',
      name: 'rounded-kronecker',
      about: 'The same with factors of rounded size and a dense rest',
      options: roundedOptions,
      create: roundedKronecker,
    }),
    component({
      kind: 'projector',
      name: 'film',
      about: 'Random map to norms, biases and head alone, or added to another',
      options: filmOptions,
      create: film,
    }),
  ],
})
