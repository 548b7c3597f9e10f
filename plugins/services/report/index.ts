import { definePlugin } from 'ockham'

export { renderCertificates, renderReport } from './report.js'
export { renderSvg } from './svg.js'

export default definePlugin({ name: 'report', provides: [] })
