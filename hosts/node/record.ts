import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError, type Certificate, type DatasetMeta, type Posterior, type Recorded, type Result } from 'ockham'
import { decode, encodePosterior } from '../../plugins/parts/safetensors/index.js'
import { writeDurably } from '../../plugins/services/journal/index.js'
import { keptOf, type Kept } from './restore.js'
import { renderCertificates, renderReport } from '../../plugins/services/report/index.js'

/** Writes a posterior; the bytes hold no time, path or identity. */
export function writePosterior(folder: string, posterior: Posterior, dataset: DatasetMeta): void {
  writeDurably(join(folder, 'posterior.safetensors'), encodePosterior(posterior.save(), dataset))
}

/** Reads what `writePosterior` wrote. */
export function readPosterior(folder: string): Kept {
  const file = join(folder, 'posterior.safetensors')
  if (!existsSync(file))
    throw new InputError({ code: 'OCK-RUN-011', what: 'the run has no posterior yet', where: folder, remedy: 'ockham resume finishes it' })
  return keptOf(decode(readFileSync(file)))
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

/** Writes the page of certificates that were found after the run had finished; its own result stays as it is. */
export function writeCertificates(folder: string, certificates: readonly Certificate[]): void {
  const file = join(folder, 'result.json')
  if (!existsSync(file)) return
  const page = renderCertificates({ ...(JSON.parse(readFileSync(file, 'utf8')) as Result), certificates })
  if (page !== undefined) writeDurably(join(folder, 'certificate.html'), page)
}
