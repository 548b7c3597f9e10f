import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InputError, RunError } from 'ockham'
import { Sender } from './sender.js'
import { Spool } from './spool.js'

/** What a later delivery did. */
export interface Synced {
  readonly uri: string
  /** Folders whose spools the server has whole. */
  readonly folders: readonly string[]
  /** Bytes that it did not have before. */
  readonly sent: number
  /** Lines that it refused for good; they are in `mlflow.refused.jsonl`. */
  readonly refused: number
}

/** Folders of a run and its children that have something for MLflow, parents first. */
function spooled(folder: string): string[] {
  const children = join(folder, 'children')
  const below = existsSync(children) ? readdirSync(children).flatMap((name) => spooled(join(children, name))) : []
  return [...(new Spool(folder).exists ? [folder] : []), ...below]
}

/** The server named by the environment, else the one that a run was meant for. */
function serverOf(folder: string): string | undefined {
  const spool = new Spool(folder)
  const meant = spool.read(0).lines.find((line) => line.kind === 'run')
  return process.env['MLFLOW_TRACKING_URI'] ?? spool.uri ?? meant?.uri
}

/**
 * Brings what a run and its children have kept for MLflow to the server, and repeats nothing that it has. Errors: `OCK-MLFLOW-023` where there
 * is nothing, `-024` where the run is being tracked now, `-025` where the server does not take it within `patience` seconds without progress.
 */
export async function sync(
  folder: string,
  { uri, patience = 10 }: { readonly uri?: string; readonly patience?: number } = {},
): Promise<Synced> {
  const folders = spooled(folder)
  const [first] = folders
  if (first === undefined)
    throw new InputError({
      code: 'OCK-MLFLOW-023',
      what: 'the run has kept nothing for MLflow',
      where: folder,
      remedy: 'track it from the start: ockham run SPEC --track mlflow',
    })
  const held = folders.map((f) => new Spool(f).heldBy).find((pid) => pid !== undefined)
  if (held !== undefined)
    throw new InputError({
      code: 'OCK-MLFLOW-024',
      what: `process ${held} is tracking the run`,
      where: folder,
      remedy: 'wait until it has ended',
    })
  const server = uri ?? serverOf(first)
  const warned: string[] = []
  const sender = new Sender(server === undefined ? {} : { uri: server }, (_, code, message) => warned.push(`${code}: ${message}`))
  for (const f of folders) new Spool(f).hold()
  try {
    const before = folders.reduce((sum, f) => sum + sender.delivery(f).waiting, 0)
    if (!(await sender.finish(folders, patience)))
      throw new RunError(
        {
          code: 'OCK-MLFLOW-025',
          what: `MLflow did not take the run: ${sender.failed?.message ?? 'no progress'}`,
          where: folder,
          remedy: 'nothing is lost: try again when the server is there',
        },
        { cause: sender.failed },
      )
    const refused = folders.reduce((sum, f) => sum + sender.delivery(f).state.refused, 0)
    return { uri: sender.delivery(first).state.uri, folders, sent: before, refused }
  } finally {
    for (const f of folders) new Spool(f).release()
    sender.close()
  }
}
