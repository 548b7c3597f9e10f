import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importsOf, importsOfFile, packageOf, root, sources, target, type Import } from './imports.js'

/** What the package.json that is nearest above a file declares: a folder of scripts may be a package of its own. */
function dependenciesOf(file: string, kind: 'dependencies' | 'devDependencies' = 'dependencies'): ReadonlySet<string> {
  let folder = dirname(file)
  while (folder !== '.' && !existsSync(join(root, folder, 'package.json'))) folder = dirname(folder)
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Partial<Record<typeof kind, object>>
  return new Set(Object.keys(manifest[kind] ?? {}))
}

const declares = (file: string, specifier: string): boolean => dependenciesOf(file).has(packageOf(specifier))

/** Tests and what only they use may reach further than what ships. */
const isTest = (file: string): boolean => /(\.test|\/testing|\/test-[a-z-]+)\.ts$/.test(file)

/** `plugins/parts/linalg/x.ts` → `parts/linalg`. */
const pluginOf = (path: string): string | undefined => /^plugins\/((?:methods|parts|services)\/[^/]+)/.exec(path)?.[1]

const usesOf = (plugin: string): readonly string[] => {
  const file = join(root, 'plugins', plugin, 'plugin.json')
  return existsSync(file) ? ((JSON.parse(readFileSync(file, 'utf8')) as { uses?: string[] }).uses ?? []) : []
}

type Rule = (file: string, found: Import) => string | undefined

/** What a rule finds wrong in files, one line each. */
const broken = (files: readonly string[], rule: Rule): string[] =>
  files.flatMap((file) =>
    importsOfFile(file).flatMap((found) => {
      const why = rule(file, found)
      return why ? [`${file} imports ${found.specifier}: ${why}`] : []
    }),
  )

const core: Rule = (file, { specifier, typeOnly }) => {
  const path = target(file, specifier)
  if (path !== undefined) return path.startsWith('core/') ? undefined : 'core imports nothing but core'
  if (specifier.startsWith('@tensorflow/') && !typeOnly) return 'core has types of tfjs only'
  if (/^(node:)?fs(\/|$)/.test(specifier)) return 'core has no file system'
  if (specifier.startsWith('node:')) return undefined
  return declares(file, specifier) ? undefined : 'not a dependency'
}

const plugin: Rule = (file, { specifier }) => {
  const path = target(file, specifier)
  const own = pluginOf(file)!
  if (path !== undefined) {
    const other = pluginOf(path)
    if (other === own) return undefined
    if (!other) return 'a plugin imports core as ockham, and no host or test'
    if (other.startsWith('methods/')) return 'nobody imports the inside of a method'
    return usesOf(own).includes(other) ? undefined : `plugin.json of ${own} does not say that it uses ${other}`
  }
  if (specifier === 'ockham' || specifier === 'ockham/tensor' || specifier.startsWith('node:')) return undefined
  if (packageOf(specifier) === 'ockham') return 'a plugin imports ockham and ockham/tensor only'
  if (specifier === '@tensorflow/tfjs-core' && !own.startsWith('services/')) return 'tfjs is imported through ockham/tensor'
  return declares(file, specifier) ? undefined : 'not a dependency'
}

const host: Rule = (file, { specifier, typeOnly }) => {
  const path = target(file, specifier)
  if (path === undefined)
    return specifier.startsWith('node:') || packageOf(specifier) === 'ockham' || declares(file, specifier) ? undefined : 'not a dependency'
  if (path.startsWith('hosts/') || path === 'package.json') return undefined
  if (path.startsWith('core/')) return 'hosts import core as ockham'
  // The catalogue holds types alone, derived from the manifests.
  if (file === 'hosts/node/catalogue.ts' && typeOnly) return undefined
  return pluginOf(path)?.startsWith('methods/') === false ? undefined : 'methods are found through the registry'
}

const shipped = (folder: string): string[] => sources(folder).filter((file) => !isTest(file))

describe('import graph', () => {
  it('core imports no plugin, no host, no file system and no kernel', () => {
    expect(broken(shipped('core'), core)).toEqual([])
  })

  it('plugins import ockham, libraries, and what they declare', () => {
    expect(broken(shipped('plugins'), plugin)).toEqual([])
  })

  it('hosts import services and parts, never a method', () => {
    expect(broken(shipped('hosts'), host)).toEqual([])
  })

  it('tests import what package.json declares', () => {
    const files = [...sources('core'), ...sources('plugins'), ...sources('hosts'), ...sources('test')].filter(
      (file) => isTest(file) || file.startsWith('test/'),
    )
    const undeclared: Rule = (file, { specifier }) =>
      specifier.startsWith('.') ||
      specifier.startsWith('node:') ||
      packageOf(specifier) === 'ockham' ||
      declares(file, specifier) ||
      dependenciesOf(file, 'devDependencies').has(packageOf(specifier))
        ? undefined
        : 'not a dependency'
    expect(broken(files, undeclared)).toEqual([])
  })

  it('has no circle among plugins', () => {
    const edges = new Map<string, Set<string>>()
    for (const file of shipped('plugins'))
      for (const { specifier } of importsOfFile(file)) {
        const to = pluginOf(target(file, specifier) ?? '')
        const from = pluginOf(file)!
        if (to && to !== from) edges.set(from, (edges.get(from) ?? new Set()).add(to))
      }
    expect(circles(edges)).toEqual([])
  })

  it('keeps plugins shallow', () => {
    const deep = sources('plugins').filter((file) => file.split('/').length - 3 > 3)
    expect(deep).toEqual([])
  })
})

/** Circles in a directed graph, each as its path. */
function circles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) found.push([...path.slice(path.indexOf(node)), node].join(' → '))
    if (path.includes(node) || done.has(node)) return
    for (const next of edges.get(node) ?? []) walk(next, [...path, node])
    done.add(node)
  }
  for (const node of edges.keys()) walk(node, [])
  return found
}

describe('the rules themselves', () => {
  const at = (file: string, text: string, rule: Rule): (string | undefined)[] => importsOf(file, text).map((found) => rule(file, found))
  const fine = undefined

  it('see every form of import', () => {
    const text = `import a from 'a'\nimport type { B } from 'b'\nimport { type C } from 'c'\nimport 'd'\nexport * from 'e'\nexport type * from 'f'
      const g = await import('g')\ntype H = import('h').H\n// import 'no'\nconst s = "import 'no'"`
    expect(importsOf('x.ts', text).map(({ specifier, typeOnly }) => specifier + (typeOnly ? ' type' : ''))).toEqual(
      ['a', 'b type', 'c type', 'd', 'e', 'f type', 'g', 'h type'], //
    )
  })

  it('refuse what they should', () => {
    expect(at('core/x.ts', `import type { Tensor } from '@tensorflow/tfjs-core'`, core)).toEqual([fine])
    expect(at('core/x.ts', `import { tensor } from '@tensorflow/tfjs-core'`, core)).toEqual(['core has types of tfjs only'])
    expect(at('core/run/x.ts', `import '../../plugins/parts/priors/index.js'`, core)).toEqual(['core imports nothing but core'])
    expect(at('core/x.ts', `import { readFile } from 'node:fs/promises'`, core)).toEqual(['core has no file system'])
    expect(at('plugins/parts/priors/x.ts', `import '../training/trees.js'`, plugin)).toEqual([fine])
    expect(at('plugins/parts/priors/x.ts', `import '../../methods/fseb/index.js'`, plugin)[0]).toMatch(/inside of a method/)
    expect(at('plugins/parts/priors/x.ts', `import '../../../hosts/node/index.js'`, plugin)[0]).toMatch(/no host/)
    expect(at('plugins/parts/priors/x.ts', `import 'leftpad'`, plugin)).toEqual(['not a dependency'])
    expect(at('plugins/parts/priors/x.ts', `import '../linalg/index.js'`, plugin)[0]).toMatch(/does not say that it uses parts\/linalg/)
    expect(at('hosts/node/x.ts', `import '../../plugins/methods/fseb/index.js'`, host)[0]).toMatch(/registry/)
  })

  it('see circles', () => {
    const edges = { a: ['b'], b: ['c'], c: ['a', 'd'], d: [] }
    expect(circles(new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)])))).toEqual(['a → b → c → a'])
  })
})

describe('what is committed', () => {
  const inGit = existsSync(join(root, '.git'))
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })

  it.skipIf(!inGit)('names no path or host of the machine it was written on', () => {
    // Put together here, so that this file does not find itself.
    const names = [
      ['/work', '/'],
      ['farm', '-'],
      ['.lib', 'rary'],
    ].map((parts) => parts.join(''))
    const files = git('ls-files', '-z')
      .split('\0')
      .filter((file) => file !== '' && existsSync(join(root, file)))
    const found = files.flatMap((file) => {
      const text = readFileSync(join(root, file), 'latin1')
      return names.filter((name) => text.includes(name)).map((name) => `${file} names ${name}`)
    })
    expect(found).toEqual([])
  })

  it('locks packages without naming a registry', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, { resolved?: string }> }
    expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})
