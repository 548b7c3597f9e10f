import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { randomBytes } from 'node:crypto'
import { InputError, type Result } from 'ockham'

/** Default place of run folders. */
export const defaultOut = 'runs'

const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40)

/** Makes a fresh run folder `out/<time>-<name>-<random>`. */
export function newFolder(out: string, name: string): string {
  const time = new Date()
    .toISOString()
    .replaceAll(/[-:]|\..*$/g, '')
    .replace('T', '-')
  const folder = resolve(out, [time, slug(name), randomBytes(2).toString('hex')].filter(Boolean).join('-'))
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new InputError(
      { code: 'OCK-RUN-018', what: `cannot make a run folder in '${out}'`, where: '--out', remedy: 'give a folder that can be written' },
      { cause },
    )
  }
  return folder
}

/** The folder of RUN: a path, or an id below `out`. */
export function findFolder(run: string, out: string): string {
  for (const folder of [resolve(run), resolve(out, run)]) if (existsSync(join(folder, 'spec.yaml'))) return folder
  const near = existsSync(out) ? readdirSync(out).filter((id) => id.includes(run)) : []
  if (near.length === 1) return resolve(out, near[0]!)
  throw new InputError({
    code: 'OCK-RUN-010',
    what: `there is no run '${run}'${near.length > 1 ? `, or it could be any of ${near.join(', ')}` : ''}`,
    where: out,
    remedy: 'ockham runs lists them; give a folder, or the folder of runs with --out',
  })
}

/** Identity of a run: its folder's name, and the names of children below it. */
export const idOf = (folder: string): string => {
  const parts = resolve(folder).split(/[\\/]children[\\/]/)
  return [basename(parts[0]!), ...parts.slice(1)].join('/children/')
}

export const childFolder = (folder: string, name: string): string => join(folder, 'children', name)

export type State = 'finished' | 'unfinished' | 'damaged'

/** What `ockham runs` lists. */
export interface Listed {
  readonly id: string
  readonly folder: string
  readonly state: State
  readonly result?: Result
  readonly changed: Date
}

export const readResult = (folder: string): Result | undefined => {
  const file = join(folder, 'result.json')
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Result
  } catch (cause) {
    throw new InputError(
      { code: 'OCK-RUN-019', what: 'result.json is damaged', where: folder, remedy: 'delete it and resume the run: it is made again' },
      { cause },
    )
  }
}

const tolerant = (folder: string): Result | 'damaged' | undefined => {
  try {
    return readResult(folder)
  } catch {
    return 'damaged'
  }
}

/** Runs below `out`, newest first. */
export function listRuns(out: string): Listed[] {
  if (!existsSync(out)) return []
  return readdirSync(out)
    .map((id) => join(out, id))
    .filter((folder) => existsSync(join(folder, 'spec.yaml')))
    .map((folder): Listed => {
      const result = tolerant(folder)
      return {
        id: idOf(folder),
        folder,
        state: result === 'damaged' ? 'damaged' : result ? 'finished' : 'unfinished',
        changed: statSync(folder).mtime,
        ...(result && result !== 'damaged' ? { result } : {}),
      }
    })
    .sort((a, b) => b.changed.getTime() - a.changed.getTime())
}
