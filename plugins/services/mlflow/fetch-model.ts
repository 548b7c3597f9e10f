import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { InputError } from 'ockham'
import { MlflowClient, type ClientOptions } from './client/index.js'

/** `models:/name@alias`, `models:/name/version` or `models:/m-…`. */
const form = /^models:\/(?:(?<id>m-[0-9a-f]+)|(?<name>[^/@]+)(?:@(?<alias>[^/@]+)|\/(?<version>\d+)))$/

export const isModelUri = (source: string): boolean => source.startsWith('models:/')

/** Where the artifacts of a model are, and what it is called in a path. */
async function find(client: MlflowClient, source: string): Promise<{ root: string; id: string }> {
  const { id, name, alias, version } = form.exec(source)?.groups ?? {}
  if (id !== undefined) return { root: (await client.models.get(id)).artifactUri, id }
  if (name === undefined)
    throw new InputError({
      code: 'OCK-MLFLOW-026',
      what: `'${source}' does not name a model`,
      remedy: 'write models:/name@alias, models:/name/version or models:/m-…',
    })
  const found = alias === undefined ? await client.registry.version(name, version!) : await client.registry.byAlias(name, alias)
  return { root: found.source, id: found.modelId ?? `${found.name}-${found.version}` }
}

/**
 * Fetches a model that Ockham has logged into a folder of its own below `into`, once, and gives that folder: it can be loaded like a run's.
 * Errors: `OCK-MLFLOW-016` where it is no such model, `-026`, and those of {@link MlflowClient}.
 */
export async function fetchModel(source: string, into: string, options: ClientOptions = {}): Promise<string> {
  const client = new MlflowClient(options)
  try {
    const { root, id } = await find(client, source)
    const folder = join(into, id)
    if (existsSync(join(folder, 'spec.yaml'))) return folder
    const there = (await client.artifacts.list(root)).map((f) => f.path)
    const missing = ['spec.yaml', 'posterior.safetensors'].find((file) => !there.includes(file))
    if (missing !== undefined)
      throw new InputError({
        code: 'OCK-MLFLOW-016',
        what: `the model has no ${missing}: it was not logged by Ockham`,
        where: source,
        remedy: 'name a model that a run with --track mlflow has left',
      })
    mkdirSync(dirname(folder), { recursive: true })
    mkdirSync(into, { recursive: true })
    const fresh = mkdtempSync(join(into, '.fetched-'))
    try {
      await client.artifacts.download(root, '', fresh)
      // Another process may have been first: then its copy is as good.
      if (!existsSync(folder)) renameSync(fresh, folder)
    } finally {
      rmSync(fresh, { recursive: true, force: true })
    }
    return folder
  } finally {
    client.close()
  }
}
