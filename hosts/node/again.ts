import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { InputError, specDigest, type Engine, type EngineRecord, type Json } from 'ockham'
import { readJournal } from '../../plugins/services/journal/index.js'
import { readYaml } from './yaml.js'

/** The engine that a run was started on; undefined where its journal does not say. */
export function recordedEngine(folder: string): EngineRecord | undefined {
  for (const event of readJournal(folder)) if (event.type === 'run.started') return event.engine
  return undefined
}

const differing = (a: Record<string, Json>, b: Record<string, Json>): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((n) => JSON.stringify(a[n]) !== JSON.stringify(b[n]))

/** Refuses to go on in a folder with another spec or on an engine that would give other bits. */
export async function checkAgain(folder: string, plain: Json, engine: Engine): Promise<void> {
  const before = existsSync(join(folder, 'spec.yaml')) ? readYaml(join(folder, 'spec.yaml')) : undefined
  if (before !== undefined && (await specDigest(before)) !== (await specDigest(plain)))
    throw new InputError({
      code: 'OCK-RUN-017',
      what: `the run in this folder has another spec: ${differing(before as Record<string, Json>, plain as Record<string, Json>).join(', ')} differ`,
      where: folder,
      remedy: 'resume with the same spec, or start a new run',
    })
  const recorded = recordedEngine(folder)
  if (!recorded) return
  const on = (e: EngineRecord): string => (e.name === 'onnxruntime' && e.build['provider'] !== 'cpu' ? ` on ${e.build['provider']}` : '')
  const named = (e: EngineRecord): string =>
    `${e.name}${on(e)}${e.build['threads'] === undefined ? '' : ` with ${e.build['threads']} threads`}`
  if (named(recorded) !== named(engine))
    throw new InputError({
      code: 'OCK-RUN-015',
      what: `the run was started on ${named(recorded)}, this is ${named(engine)}: the bits would differ`,
      where: folder,
      remedy: `use --engine ${recorded.name}${on(recorded).replace(' on', ' --provider')}${recorded.build['threads'] === undefined ? '' : ` --threads ${recorded.build['threads']}`}`,
    })
}
