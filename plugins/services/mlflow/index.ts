import { definePlugin } from 'ockham'

export * from './client/index.js'

export default definePlugin({ name: 'mlflow', provides: [] })
