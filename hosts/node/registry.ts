import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { deriveRegistry, InputError, Registry, renderRegistry } from 'ockham'

/** The package's own folder. */
export const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

const registryFile = join(packageRoot, 'registry.json')

/** The manifests of the package's plugins, by folder. */
export function readManifests(root = packageRoot): Record<string, unknown> {
  const manifests: Record<string, unknown> = {}
  for (const group of ['methods', 'parts', 'services']) {
    const folder = join(root, 'plugins', group)
    if (!existsSync(folder)) continue
    for (const name of readdirSync(folder)) {
      const file = join(folder, name, 'plugin.json')
      if (existsSync(file)) manifests[`plugins/${group}/${name}`] = JSON.parse(readFileSync(file, 'utf8'))
    }
  }
  return manifests
}

/** What registry.json should hold, derived from the plugins' manifests. */
export const derivedRegistry = (): string => renderRegistry(deriveRegistry(readManifests()))

/** What it does hold. */
export const writtenRegistry = (): string => (existsSync(registryFile) ? readFileSync(registryFile, 'utf8') : '')

export { registryFile }

/** The default export of a folder of the package, a local file or folder, or an npm package; core says whether it is a plugin. */
async function importPlugin(place: string): Promise<unknown> {
  const local = place.startsWith('plugins/')
    ? join(packageRoot, place)
    : place.startsWith('.') || isAbsolute(place)
      ? resolve(place)
      : undefined
  const target = local === undefined ? place : pathToFileURL(entryOf(local, place)).href
  return ((await import(target)) as { default?: unknown }).default
}

function entryOf(path: string, place: string): string {
  for (const candidate of [join(path, 'index.ts'), join(path, 'index.js'), path])
    if (existsSync(candidate) && /\.[cm]?[jt]s$/.test(candidate)) return candidate
  throw new InputError({
    code: 'OCK-PLUGIN-001',
    what: `there is no plugin at '${place}'`,
    where: path,
    remedy: 'give a .ts or .js file, or a folder with an index',
  })
}

/** The registry of the package; plugins are imported when a spec names them. */
export function packageRegistry(): Registry {
  const text = writtenRegistry()
  return new Registry(text === '' ? deriveRegistry(readManifests()) : JSON.parse(text), importPlugin)
}
