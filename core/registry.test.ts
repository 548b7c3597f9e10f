import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { component, definePlugin, deriveRegistry, type InputError, Registry, renderRegistry, type Kind } from 'ockham'

const about = 'for tests'
const manifest = (name: string, ...provides: [Kind, string][]) => ({
  name,
  about,
  provides: provides.map(([kind, n]) => ({ kind, name: n, about })),
})
const prior = (name: string) =>
  component({ kind: 'prior', name, about, options: z.strictObject({}), create: () => ({ energy: () => expect.unreachable() }) })
const plugin = (name: string, ...priors: string[]) => definePlugin({ name, provides: priors.map(prior) })
const manifests = {
  'plugins/methods/lmap': manifest('lmap', ['prior', 'lmap'], ['evaluation', 'flatness'], ['prior', 'fs-map']),
  'plugins/methods/fseb': manifest('fseb', ['prior', 'fseb']),
}
const fault = async (work: () => unknown) => {
  try {
    await work()
  } catch (error) {
    return (error as InputError).problems.map((p) => `${p.code} ${p.where}: ${p.what}; ${p.remedy}`).join('\n')
  }
  return 'nothing was thrown'
}

describe('deriveRegistry', () => {
  it('sorts plugins, kinds and names, and renders one line a plugin', () => {
    const text = renderRegistry(deriveRegistry(manifests))
    expect(text).toBe(
      '{\n  "plugins": {\n    "plugins/methods/fseb": {"prior":["fseb"]},\n    "plugins/methods/lmap": {"evaluation":["flatness"],"prior":["fs-map","lmap"]}\n  }\n}\n',
    )
    expect(JSON.parse(text)).toEqual(deriveRegistry(manifests))
  })

  it('refuses names that are taken, by whatever kind, and manifests that are none, all at once', async () => {
    const wrong = { ...manifests, 'plugins/parts/a': manifest('a', ['model', 'fseb'], ['bound', 'lmap']), 'plugins/parts/b': { name: 'b' } }
    const found = await fault(() => deriveRegistry(wrong))
    expect(found).toContain('OCK-REGISTRY-002 plugins/parts/b/plugin.json.about')
    expect(found).toContain('OCK-REGISTRY-002 plugins/parts/b/plugin.json.provides')
    expect(found).toContain("OCK-REGISTRY-001 plugins/parts/a: 'fseb' is a prior of plugins/methods/fseb and a model of plugins/parts/a")
    expect(found).toContain("'lmap' is a prior of plugins/methods/lmap and a bound of plugins/parts/a")
  })
})

describe('Registry', () => {
  const places: Record<string, unknown> = {
    one: plugin('one', 'wide', 'narrow'),
    './mine.ts': plugin('mine', 'my-prior'),
    'some-package': plugin('theirs', 'a', 'b'),
    './bare.ts': prior('bare'),
    './nothing.ts': undefined,
  }
  const make = (data: unknown = { plugins: { one: { prior: ['narrow', 'wide'] } } }, imported: string[] = []) =>
    new Registry(data, (place) => {
      imported.push(place)
      return place in places ? Promise.resolve(places[place]) : Promise.reject(new Error(`no module ${place}`))
    })

  it('imports a plugin once, when one of its names is asked for', async () => {
    const imported: string[] = []
    const registry = make(undefined, imported)
    expect(registry.list().map((l) => l.name)).toEqual(['narrow', 'wide'])
    expect(registry.list('model')).toEqual([])
    expect(imported).toEqual([])
    expect(await registry.component('wide')).toBe(await registry.component('wide'))
    expect(imported).toEqual(['one'])
    expect(registry.find('wide')).toEqual({ name: 'wide', kind: 'prior', plugin: 'one' })
  })

  it('proposes names for unknown ones', async () => {
    expect(await fault(() => make().component('narow'))).toContain("there is no component named 'narow'; did you mean 'narrow'?")
    expect(await fault(() => make().component('quite-else', ['prior']))).toContain(
      "there is no prior named 'quite-else'; choose one of narrow, wide",
    )
    expect(await fault(() => make().component('narow', ['model']))).toContain('install a plugin that provides it')
    expect(await fault(() => make().component('__proto__'))).toContain('OCK-SPEC-020')
  })

  it('finds components by place: a file, a package, a component by itself', async () => {
    const registry = make()
    for (const name of ['./mine.ts#my-prior', './mine.ts']) expect((await registry.component(name)).name).toBe('my-prior')
    expect((await registry.component('some-package#b')).name).toBe('b')
    expect((await registry.component('./bare.ts')).name).toBe('bare')
    expect(await fault(() => registry.component('some-package#c'))).toContain('choose one of some-package#a, some-package#b')
  })

  it('refuses plugins that are missing, are none, or do not provide what is said of them', async () => {
    expect(await fault(() => make().component('./away.ts'))).toContain(
      'OCK-REGISTRY-004 ./away.ts: cannot import the plugin: no module ./away.ts',
    )
    expect(await fault(() => make().component('./nothing.ts'))).toContain('OCK-REGISTRY-004 ./nothing.ts: this is not a plugin')
    const other = make({ plugins: { one: { prior: ['wide'], model: ['narrow'] } } })
    expect(await fault(() => other.component('wide'))).toContain('differ: model narrow is missing, prior narrow is not listed')
    expect(await fault(() => make({ plugins: { a: { prior: ['x'] }, b: { prior: ['x'] } } }))).toContain('OCK-REGISTRY-001')
    expect(await fault(() => make({ plugin: {} }))).toContain('OCK-REGISTRY-002')
  })

  it('takes plugins that are at hand, under names that are free', async () => {
    const registry = make()
    registry.add(plugin('mine', 'slim'))
    expect((await registry.component('slim')).name).toBe('slim')
    expect(await fault(() => registry.add(plugin('other', 'wide')))).toContain("'wide' is a prior of one and a prior of plugin other")
  })
})
