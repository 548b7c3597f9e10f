import { definePlugin } from 'ockham'

export { renderReport } from './report.js'
export { renderSvg } from './svg.js'

export default definePlugin({ name: 'report', provides: [] })
