export * from './pipeline.js'
export type * from './place.js'
export * from './run.js'
export * from './store.js'
