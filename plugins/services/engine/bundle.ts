import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the bundle holds: one copy of core with gradients and chained methods, the cpu kernels, the wasm kernels (its backend is not registered). */
const entry = `
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/register_all_gradients.js'
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js'
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm/dist/register_all_kernels.js'
export { tf }
export { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu/dist/backend_cpu.js'
export { BackendWasm, init as initWasm, setWasmPaths } from '@tensorflow/tfjs-backend-wasm/dist/backend_wasm.js'
export { backpropagateGradients, getFilteredNodesXToY } from '@tensorflow/tfjs-core/dist/tape.js'
export { MPRandGauss, RandGamma, UniformRandom } from '@tensorflow/tfjs-core/dist/ops/rand_util.js'
`

const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-backend-wasm']

/** The folder of Ockham's own package.json. */
export function packageRoot(from = dirname(fileURLToPath(import.meta.url))): string {
  const file = join(from, 'package.json')
  if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'ockham') return from
  const parent = dirname(from)
  if (parent === from) throw new Error('plugins/services/engine is not inside the package ockham')
  return packageRoot(parent)
}

const resolver = createRequire(join(packageRoot(), 'package.json'))

/** Where a dependency is installed. */
export const folderOf = (name: string): string => dirname(resolver.resolve(`${name}/package.json`))

/** Exact versions of the bundled packages, without a scope. */
export const versions: Readonly<Record<string, string>> = Object.fromEntries(
  packages.map((name) => [
    name.split('/')[1]!,
    (JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as { version: string }).version,
  ]),
)

const digest = createHash('sha256')
  .update(JSON.stringify([entry, versions, 'cjs']))
  .digest('hex')
  .slice(0, 12)

const fileName = `tensor-${versions['tfjs-core']}-${digest}.cjs`

/** Folders to keep the bundle in, the best first. */
const places = (): string[] => [
  join(packageRoot(), 'node_modules', '.cache', 'ockham'),
  join(tmpdir(), `ockham-${process.getuid?.() ?? 'user'}`),
]

function bundled(): string {
  const { buildSync } = resolver('esbuild') as typeof import('esbuild')
  const result = buildSync({
    stdin: { contents: entry, resolveDir: packageRoot(), sourcefile: 'ockham-tensor.js' },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    // The packages' lists of side effects leave out files that register kernels and flags.
    ignoreAnnotations: true,
    legalComments: 'none',
    logLevel: 'error',
  })
  return result.outputFiles[0]!.text
}

function discard(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // The folder itself cannot be reached, so there is nothing to discard.
  }
}

/** Written beside and renamed, so that a process that looks meanwhile sees all of it or nothing. */
function put(folder: string, text: string): string | undefined {
  const draft = join(folder, `${fileName}.${process.pid}-${randomUUID()}`)
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(draft, text)
    renameSync(draft, join(folder, fileName))
    return join(folder, fileName)
  } catch {
    discard(draft)
    return undefined
  }
}

/**
 * File of the bundle; bundled where no process has done it before. It is CommonJS and made synchronously, so that
 * importing `ockham/tensor` needs no top-level await and works from either kind of module.
 */
export function bundle(folders: readonly string[] = places()): string {
  const found = folders.map((folder) => join(folder, fileName)).find(existsSync)
  if (found) return found
  const text = bundled()
  for (const folder of folders) {
    const file = put(folder, text)
    if (file) return file
  }
  throw new Error(`no folder to write ${fileName} to: ${folders.join(', ')} are not writable`)
}

export const load = (file: string): unknown => resolver(file)
