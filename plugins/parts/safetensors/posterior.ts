import type { DatasetMeta, Saved } from 'ockham'
import { encode } from './encode.js'

/**
 * The file of a posterior: its values, and what is needed to serve it without its data. The bytes hold no time, path or
 * identity, so that their digest names what was learnt.
 */
export const encodePosterior = ({ kind, values, meta }: Saved, dataset: DatasetMeta): Uint8Array =>
  encode(values, { kind, meta: JSON.stringify(meta), dataset: JSON.stringify(dataset) })
