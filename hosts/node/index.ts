import type {} from './catalogue.js'

export type { RunOptions, RunRecord } from './attempt.js'
export { type Certified } from './certify.js'
export { createHost, Host, load, type HostOptions, type Study } from './host.js'
export { exportRun, type ExportedModel, type ExportOptions } from './export.js'
export { type Loaded } from './load.js'
export { use } from 'ockham'
export { parseYaml, readYaml, toYaml } from './yaml.js'
