import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { InputError, Problems, type Json, type Saved } from 'ockham'
import { decode } from '../../parts/safetensors/index.js'

const file = 'posterior.safetensors'

/** Folders that a path stands for; `*` in its last part stands for anything. */
function matching(path: string): string[] {
  const [folder, last] = [dirname(path), basename(path)]
  if (!last.includes('*')) return [path]
  const wanted = new RegExp(`^${last.replaceAll(/[^*\w]/g, '\\$&').replaceAll('*', '.*')}$`)
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names
    .filter((name) => wanted.test(name))
    .sort()
    .map((name) => join(folder, name))
}

/** What finished runs saved, by their folders. Throws `OCK-ENSEMBLE-001` for every path that is no finished run. */
export function readRuns(paths: readonly string[]): Saved[] {
  const problems = new Problems()
  const found = paths.flatMap((path) => {
    const folders = matching(path).filter((folder) => existsSync(join(folder, file)))
    if (folders.length === 0)
      problems.add({
        code: 'OCK-ENSEMBLE-001',
        what: `there is no finished run '${path}'`,
        where: 'inference.from',
        remedy: 'give folders of finished runs, such as runs/<id>/children/<name>; * in the last part stands for anything',
      })
    return folders
  })
  problems.check()
  return found.map((folder) => read(join(folder, file)))
}

function read(path: string): Saved {
  const { values, metadata } = decode(readFileSync(path))
  const kind = metadata['kind']
  if (kind !== undefined) return { kind, values, meta: JSON.parse(metadata['meta'] ?? 'null') as Json }
  throw new InputError({
    code: 'OCK-ENSEMBLE-001',
    what: 'the file is not a posterior that a run saved',
    where: path,
    remedy: 'give the folder of a finished run',
  })
}
