export * from './pipeline.js'
export * from './place.js'
export * from './run.js'
export * from './store.js'
