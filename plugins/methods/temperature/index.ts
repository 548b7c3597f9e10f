import { component, definePlugin, ENGINE } from 'ockham'
import type { z } from 'zod'
import { temperatureOptions, temperatureScaled } from './temperature.js'

export { fitTemperature, nllAt, type Logs } from './scaling.js'
export { temperatureOptions, temperatureScaled, type TemperatureOptions } from './temperature.js'

declare module 'ockham' {
  interface Catalog {
    temperature: { kind: 'inference'; options: z.input<typeof temperatureOptions> }
  }
}

export default definePlugin({
  name: 'temperature',
  provides: [
    component({
      kind: 'inference',
      name: 'temperature',
      about: "Another inference's posterior, its logits divided by a fitted temperature",
      options: temperatureOptions,
      needs: { engine: ENGINE },
      requires: { objective: ['categorical'] },
      offers: ({ after }, offersOf) => (after ? offersOf(after).filter((offer) => offer === 'weights') : ['weights']),
      create: temperatureScaled,
    }),
  ],
})
