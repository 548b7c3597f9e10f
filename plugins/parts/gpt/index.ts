import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { gpt, gptOptions } from './gpt.js'

export { emptyPast, pastOf, type Past } from './attend.js'
export { decoded, headed, type DecoderOptions } from './decoder.js'
export { gpt, gptOptions, isDecoder, type Decoder } from './gpt.js'
export { decoderInit, decoderShapes } from './init.js'
export { openPublished, type Published } from './published.js'
export { checkChoice, choose, type Choice } from './choose.js'
export { generate, type Generated, type GenerateOptions } from './generate.js'
export { reader, type Reader, type Served } from './reader.js'
export { score } from './score.js'
export { servePublished } from './serve.js'
export { surprisals } from './surprisals.js'
export { presets, type Sizes } from './sizes.js'
export { origins, type Naming } from './names.js'
export { publishedWeights } from './weights.js'

declare module 'ockham' {
  interface Catalog {
    gpt: { kind: 'model'; options: z.input<typeof gptOptions> }
  }
}

export default definePlugin({
  name: 'gpt',
  provides: [
    component({
      kind: 'model',
      name: 'gpt',
      about: 'Decoder of the GPT-2 or LLaMA family on tokens',
      options: gptOptions,
      offers: ['weights', 'head', 'decoder'],
      create: gpt,
    }),
  ],
})
