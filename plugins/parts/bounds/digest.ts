import { createHash } from 'node:crypto'
import type { DatasetMeta, Posterior } from 'ockham'
import { encodePosterior } from '../safetensors/index.js'

/** SHA-256 of the posterior's file and of the data: what a certificate speaks of. */
export const digests = (posterior: Posterior, dataset: DatasetMeta): Readonly<Record<string, string>> => ({
  posterior: createHash('sha256').update(encodePosterior(posterior.save(), dataset)).digest('hex'),
  dataset: dataset.digest,
})
