import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError, type DatasetMeta, type Json, type Posterior, type Recorded, type Result, type Saved } from 'ockham'
import { decode, encodePosterior } from '../../plugins/parts/safetensors/index.js'
import { writeDurably } from '../../plugins/services/journal/index.js'
import { renderCertificates, renderReport } from '../../plugins/services/report/index.js'

/** What `posterior.safetensors` holds beside the values: enough to serve the posterior without its data. */
export interface Kept {
  readonly saved: Saved
  readonly dataset: DatasetMeta
}

/** Writes a posterior; the bytes hold no time, path or identity. */
export function writePosterior(folder: string, posterior: Posterior, dataset: DatasetMeta): void {
  writeDurably(join(folder, 'posterior.safetensors'), encodePosterior(posterior.save(), dataset))
}

/** Reads what `writePosterior` wrote. */
export function readPosterior(folder: string): Kept {
  const file = join(folder, 'posterior.safetensors')
  if (!existsSync(file))
    throw new InputError({ code: 'OCK-RUN-011', what: 'the run has no posterior yet', where: folder, remedy: 'ockham resume finishes it' })
  const { values, metadata } = decode(readFileSync(file))
  const parsed = (name: string): unknown => JSON.parse(metadata[name] ?? 'null')
  return { saved: { kind: metadata['kind'] ?? '', values, meta: parsed('meta') as Json }, dataset: parsed('dataset') as DatasetMeta }
}

/** Writes the report and the page of certificates, then `result.json`: the latter marks a run as finished. */
export async function writeResult(
  folder: string,
  result: Result,
  events: readonly Recorded[],
  children?: Readonly<Record<string, { result: Result; events: readonly Recorded[] }>>,
): Promise<void> {
  writeDurably(join(folder, 'report.html'), await renderReport(result, events, children))
  const certificates = renderCertificates(result, children)
  if (certificates !== undefined) writeDurably(join(folder, 'certificate.html'), certificates)
  writeDurably(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`)
}
