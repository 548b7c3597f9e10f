import { definePlugin } from 'ockham'

export * from './conventions.js'
export { bridge, bridgeConcentrations, categoricalOf, choleskyOfEach, links, pairwise, probit, sampled, type Link } from './links.js'

export default definePlugin({ name: 'bayes', provides: [] })
