import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { text, textOptions } from './text.js'

export { padding } from './rows.js'
export { text, textOptions, type TextOptions } from './text.js'

declare module 'ockham' {
  interface Catalog {
    text: { kind: 'dataset'; options: z.input<typeof textOptions> }
  }
}

export default definePlugin({
  name: 'text',
  provides: [
    component({
      kind: 'dataset',
      name: 'text',
      about: 'Tokens of text files, and the token after each',
      options: textOptions,
      offers: ['language'],
      create: text,
    }),
  ],
})
