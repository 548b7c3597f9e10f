import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { mlflowOptions } from './options.js'
import { mlflowTracker } from './tracker.js'

export * from './client/index.js'
export { fetchModel, isModelUri } from './fetch-model.js'
export { sync, type Synced } from './sync.js'
export { mlflowTracker } from './tracker.js'
export { mlflowOptions, type MlflowOptions } from './options.js'

declare module 'ockham' {
  interface Catalog {
    mlflow: { kind: 'tracker'; options: z.input<typeof mlflowOptions> }
  }
}

export default definePlugin({
  name: 'mlflow',
  provides: [
    component({
      kind: 'tracker',
      name: 'mlflow',
      about: 'An MLflow run for each run, with children nested, figures, certificates and the posterior as a logged model',
      options: mlflowOptions,
      create: mlflowTracker,
    }),
  ],
})
