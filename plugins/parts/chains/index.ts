import { definePlugin } from 'ockham'

export { effectiveSize, rHat, splitRHat, worstOf } from './diagnostics.js'
export { draws, drawsPosterior, restoredDraws, savedDraws, Visits, type Draws } from './draws.js'
export { steinDiscrepancy, type SteinKernel } from './stein.js'

export default definePlugin({ name: 'chains', provides: [] })
