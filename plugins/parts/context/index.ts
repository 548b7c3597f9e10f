import { definePlugin } from 'ockham'

export { contextPoints, noisePoints, type Fed } from './feeds.js'
export { counting, inputRows, table } from './rows.js'

export default definePlugin({ name: 'context', provides: [] })
