import { z } from 'zod'
import type { Component, Plugin } from './define.js'
import { InputError, Problems } from './errors.js'
import { withArticle, type Kind } from './kinds.js'
import { meant } from './nearest.js'

const manifestSchema = z.strictObject({
  name: z.string(),
  about: z.string(),
  provides: z.array(z.strictObject({ kind: z.string(), name: z.string(), about: z.string() })),
  paper: z.string().optional(),
  uses: z.array(z.string()).optional(),
})

/** `plugin.json`: what is known of a plugin without importing it. */
export type Manifest = z.output<typeof manifestSchema>

const dataSchema = z.strictObject({ plugins: z.record(z.string(), z.record(z.string(), z.array(z.string()))) })

/** `registry.json`: plugins by place (a folder, or an npm package), and the names that each provides by kind. */
export type RegistryData = z.output<typeof dataSchema>

/** A name in the registry. */
export interface Listing {
  readonly name: string
  readonly kind: Kind
  /** The plugin's place, as the loader takes it. */
  readonly plugin: string
}

const issues = (problems: Problems, code: string, where: string, error: z.ZodError): void => {
  for (const { path, message } of error.issues) problems.add({ code, what: message, where: [where, ...path].join('.') })
}

const byKind = (provides: readonly { readonly kind: string; readonly name: string }[]): Record<string, string[]> => {
  const kinds = [...new Set(provides.map((p) => p.kind))].sort()
  return Object.fromEntries(kinds.map((kind) => [kind, provides.flatMap((p) => (p.kind === kind ? [p.name] : [])).sort()]))
}

const listings = (data: RegistryData): Listing[] =>
  Object.entries(data.plugins).flatMap(([plugin, kinds]) =>
    Object.entries(kinds).flatMap(([kind, names]) => names.map((name) => ({ name, kind: kind as Kind, plugin }))),
  )

function refuseDuplicates(problems: Problems, all: readonly Listing[]): void {
  const first = new Map<string, Listing>()
  for (const listing of all) {
    const { name, kind, plugin } = listing
    const other = first.get(name)
    if (!other) first.set(name, listing)
    const what = other && `'${name}' is ${withArticle(other.kind)} of ${other.plugin} and ${withArticle(kind)} of ${plugin}`
    if (what)
      problems.add({ code: 'OCK-REGISTRY-001', what, where: plugin, remedy: 'a name is unique across all kinds: rename one of them' })
  }
}

/** The registry that plugins' manifests come to, sorted. `manifests` holds each parsed `plugin.json` by the plugin's place. */
export function deriveRegistry(manifests: Readonly<Record<string, unknown>>): RegistryData {
  const problems = new Problems()
  const plugins: RegistryData['plugins'] = {}
  for (const place of Object.keys(manifests).sort()) {
    const manifest = manifestSchema.safeParse(manifests[place])
    if (manifest.success) plugins[place] = byKind(manifest.data.provides)
    else issues(problems, 'OCK-REGISTRY-002', `${place}/plugin.json`, manifest.error)
  }
  refuseDuplicates(problems, listings({ plugins }))
  problems.check()
  return { plugins }
}

/** The text of `registry.json`, one line a plugin. */
export function renderRegistry({ plugins }: RegistryData): string {
  const lines = Object.entries(plugins).map(([place, kinds]) => `    ${JSON.stringify(place)}: ${JSON.stringify(kinds)}`)
  return `{\n  "plugins": {\n${lines.join(',\n')}\n  }\n}\n`
}

/** `./file.ts#name` and `package#name` say where a component is instead of how it is listed. */
const isPlace = (name: string): boolean => name.includes('#') || /^\.{0,2}\//.test(name)

const isComponent = (value: unknown): value is Component =>
  typeof value === 'object' && value !== null && 'kind' in value && 'name' in value && 'options' in value && 'create' in value

/** Finds components by name, and imports a plugin when one of its components is asked for. */
export class Registry {
  readonly #listings = new Map<string, Listing>()
  readonly #plugins = new Map<string, Promise<Plugin>>()
  readonly #load: (plugin: string) => Promise<unknown>

  /** `load` imports the plugin at a place and gives its default export. Errors: `OCK-REGISTRY-001` and `-002`. */
  constructor(data: unknown, load: (plugin: string) => Promise<unknown>) {
    const problems = new Problems()
    const parsed = dataSchema.safeParse(data)
    if (!parsed.success) issues(problems, 'OCK-REGISTRY-002', 'registry.json', parsed.error)
    problems.check()
    this.#register(listings(parsed.data!))
    this.#load = load
  }

  /** Registers a plugin that is at hand. */
  add(plugin: Plugin): void {
    const place = `plugin ${plugin.name}`
    this.#register(plugin.provides.map(({ name, kind }) => ({ name, kind, plugin: place })))
    this.#plugins.set(place, Promise.resolve(plugin))
  }

  #register(added: readonly Listing[]): void {
    const problems = new Problems()
    refuseDuplicates(problems, [...this.#listings.values(), ...added])
    problems.check()
    for (const listing of added) this.#listings.set(listing.name, listing)
  }

  /** Every name, or those of some kinds, sorted. */
  list(...kinds: readonly Kind[]): readonly Listing[] {
    return [...this.#listings.values()]
      .filter((l) => kinds.length === 0 || kinds.includes(l.kind))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  find(name: string): Listing | undefined {
    return this.#listings.get(name)
  }

  /** Imports a plugin once. Errors: `OCK-REGISTRY-003` where it does not provide what the registry says, `-004` where it is none. */
  plugin(place: string): Promise<Plugin> {
    let plugin = this.#plugins.get(place)
    if (!plugin) this.#plugins.set(place, (plugin = this.#import(place)))
    return plugin
  }

  /** The component that a name, or a place, stands for. `kinds` sharpens what is proposed for unknown names (`OCK-SPEC-020`). */
  async component(name: string, kinds?: readonly Kind[]): Promise<Component> {
    const [place, inside] = isPlace(name) ? (name.split('#') as [string, string?]) : [this.find(name)?.plugin, name]
    if (place === undefined) throw this.#unknown(name, kinds)
    const { provides } = await this.plugin(place)
    const found = inside ? provides.find((p) => p.name === inside) : provides.length === 1 ? provides[0] : undefined
    if (isComponent(found)) return found
    const choice = provides.map((p) => `${place}#${p.name}`).join(', ')
    throw new InputError({ code: 'OCK-SPEC-020', what: `'${name}' is not one component`, remedy: `choose one of ${choice}` })
  }

  #unknown(name: string, kinds: readonly Kind[] | undefined): InputError {
    const names = this.list(...(kinds ?? [])).map((l) => l.name)
    const what = `there is no ${kinds?.join(' or ') ?? 'component'} named '${name}'`
    return new InputError({ code: 'OCK-SPEC-020', what, remedy: meant(name, names, 'install a plugin that provides it') })
  }

  async #import(place: string): Promise<Plugin> {
    const refuse = (code: string, what: string, remedy: string, cause?: unknown): InputError =>
      new InputError({ code, what, where: place, remedy }, { cause })
    const found = await this.#load(place).catch((cause: unknown) => {
      const what = `cannot import the plugin: ${cause instanceof Error ? cause.message : String(cause)}`
      throw refuse('OCK-REGISTRY-004', what, 'check that it exists and that its own tests pass', cause)
    })
    const plugin = isComponent(found) ? { name: place, provides: [found] } : (found as Plugin | undefined)
    if (!Array.isArray(plugin?.provides) || !plugin.provides.every(isComponent))
      throw refuse('OCK-REGISTRY-004', 'this is not a plugin', 'its default export must be what definePlugin or component returns')
    const said = this.list().flatMap((l) => (l.plugin === place ? [`${l.kind} ${l.name}`] : []))
    const given = plugin.provides.map((p) => `${p.kind} ${p.name}`)
    const missing = said.filter((s) => !given.includes(s)).map((s) => `${s} is missing`)
    const unlisted = said.length > 0 ? given.filter((g) => !said.includes(g)).map((g) => `${g} is not listed`) : []
    if (missing.length + unlisted.length === 0) return plugin
    const what = `the plugin and registry.json differ: ${[...missing, ...unlisted].join(', ')}`
    throw refuse('OCK-REGISTRY-003', what, 'mend plugin.json, then renew registry.json')
  }
}
