/* npx tsx docs/examples/browser/build.ts RUN_FOLDER OUT_FOLDER: a page that predicts what the run learnt, files to be served as they are. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import type { Json, RegistryData } from 'ockham'
import { readYaml } from 'ockham/hosts/node'

const here = dirname(fileURLToPath(import.meta.url))
const root = resolve(here, '../../..')
const engine = join(root, 'plugins/services/engine')
const resolver = createRequire(join(root, 'package.json'))

/** Every text in a spec: what names components is among it. */
const texts = (tree: Json | undefined): readonly string[] => {
  if (typeof tree === 'string') return [tree]
  return typeof tree === 'object' && tree !== null ? Object.values(tree as Record<string, Json>).flatMap(texts) : []
}

/** Folders of the plugins that serve a spec, and of those that stand where it says nothing: the prior `flat`, the optimizer `adam`. */
function pluginsOf({ model, objective, inference }: Readonly<Record<string, Json>>): readonly string[] {
  const { plugins } = JSON.parse(readFileSync(join(root, 'registry.json'), 'utf8')) as RegistryData
  const named = new Set([...[model, objective, inference].flatMap(texts), 'flat', 'adam'])
  return Object.entries(plugins).flatMap(([place, kinds]) =>
    Object.values(kinds)
      .flat()
      .some((name) => named.has(name))
      ? [place]
      : [],
  )
}

const ofNode = new Set([...builtinModules, '@cwasm/jpeg-turbo'])

/** What `node.ts` has of Node's modules; all else of them is nothing, for plugins that read data, too, which a page does not. */
const standIn = `
const nothing = new Proxy(function () {}, { get: (_, name) => (name === Symbol.toPrimitive ? () => '' : nothing), apply: () => nothing })
module.exports = Object.assign(Object.create(new Proxy({}, { get: () => nothing })), require('./node.ts'), { __esModule: true })
`

/** Modules that a page has otherwise than Node. */
const platform = (plugins: readonly string[]): Plugin => ({
  name: 'browser',
  setup(on) {
    on.onResolve({ filter: /^(node:|[a-z@])/ }, ({ path }) =>
      ofNode.has(path.replace('node:', '')) ? { path: 'node', namespace: 'stand-in' } : undefined,
    )
    on.onLoad({ filter: /.*/, namespace: 'stand-in' }, () => ({ contents: standIn, resolveDir: here }))
    const ours = new Map([
      [join(engine, 'kit.js'), 'kit.ts'],
      [join(engine, 'bundle.js'), 'node.ts'],
    ])
    on.onResolve({ filter: /\/(kit|bundle)\.js$/ }, ({ resolveDir, path }) => {
      const file = ours.get(resolve(resolveDir, path))
      return file === undefined ? undefined : { path: join(here, file) }
    })
    on.onResolve({ filter: /^plugins-of-the-run$/ }, () => ({ path: 'plugins', namespace: 'run' }))
    on.onLoad({ filter: /.*/, namespace: 'run' }, () => {
      const imports = plugins.map((place, i) => `import p${i} from './${place}/index.js'`)
      return { contents: `${imports.join('\n')}\nexport default [${plugins.map((_, i) => `p${i}`).join()}]`, resolveDir: root }
    })
  },
})

/** Writes the page for a run. */
export async function buildPage(run: string, out: string): Promise<void> {
  const spec = readYaml(join(run, 'spec.yaml'))
  mkdirSync(out, { recursive: true })
  await build({
    entryPoints: [join(here, 'page.ts')],
    outfile: join(out, 'page.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    mainFields: ['module', 'main'],
    // The packages' lists of side effects leave out files that register kernels.
    ignoreAnnotations: true,
    alias: { ockham: join(root, 'core/index.ts'), 'ockham/tensor': join(engine, 'tensor.ts') },
    inject: [join(here, 'node.ts')],
    define: { global: 'globalThis' },
    plugins: [platform(pluginsOf(spec as Record<string, Json>))],
    legalComments: 'none',
    logLevel: 'error',
  })
  writeFileSync(join(out, 'spec.json'), JSON.stringify(spec))
  copyFileSync(join(run, 'posterior.safetensors'), join(out, 'posterior.safetensors'))
  copyFileSync(join(here, 'index.html'), join(out, 'index.html'))
  const wasm = join(dirname(resolver.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist')
  for (const kind of ['', '-simd', '-threaded-simd']) {
    const file = `tfjs-backend-wasm${kind}.wasm`
    copyFileSync(join(wasm, file), join(out, file))
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [run, out] = process.argv.slice(2)
  if (!run || !out || !existsSync(join(run, 'posterior.safetensors'))) {
    console.error('npx tsx docs/examples/browser/build.ts RUN_FOLDER OUT_FOLDER')
    process.exit(2)
  }
  await buildPage(run, out)
  console.log(`serve ${out} over http and open index.html`)
}
