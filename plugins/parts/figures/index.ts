import { definePlugin } from 'ockham'

export { bands, type BandPoint } from './bands.js'
export { field, type Square } from './field.js'
export { heatMap, type Cell } from './heat-map.js'
export { histograms } from './histograms.js'
export { lines, type Line } from './lines.js'
export { reliabilityDiagram, type ReliabilityBin } from './reliability.js'
export { background, colours, theme } from './theme.js'
export { thinned } from './thinned.js'

export default definePlugin({ name: 'figures', provides: [] })
