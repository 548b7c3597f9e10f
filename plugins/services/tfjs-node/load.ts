import { createRequire } from 'node:module'
import { join } from 'node:path'
import { InputError } from 'ockham'
import { tf } from 'ockham/tensor'
import type { Backend } from '../engine/machine.js'

/** The packages that bring TensorFlow: on the CPU, or on a GPU of NVIDIA's. */
export const packages = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'] as const
export type PackageName = (typeof packages)[number]

const engineOf = (name: PackageName): string => `--engine ${name.slice('@tensorflow/'.length)}`

export interface TensorFlow {
  readonly backend: Backend
  /** Of the package, and of the TensorFlow library that it was built against. */
  readonly version: string
  readonly tensorflow: string
  readonly gpu: boolean
}

interface Package {
  readonly version: Readonly<Record<string, string>>
}

interface NodeBackend extends Backend {
  readonly isUsingGpuDevice: boolean
  readonly binding: { readonly TF_Version?: string }
}

/** tfjs keeps its engine and its tables in one place for all copies of it in a process. */
const globals = (): Map<string, Map<string, unknown>> =>
  (globalThis as unknown as { _tfGlobals: Map<string, Map<string, unknown>> })._tfGlobals

/** Node 23 took away what the package still calls. */
function mendUtil(require: NodeJS.Require): void {
  const util = require('node:util') as Record<string, unknown>
  util['isNullOrUndefined'] ??= (x: unknown) => x == null
  util['isArray'] ??= Array.isArray
}

/**
 * Imports a package that brings a copy of tfjs of its own. It registers gradients and kernels over those that are there, makes its backend
 * the default, and says so: all of that is undone, but for the kernels of its own backend.
 */
function imported(require: NodeJS.Require, name: PackageName): Package {
  const [before, tables] = [tf.getBackend(), ['gradRegistry', 'kernelRegistry'] as const]
  const kept = tables.map((table) => new Map(globals().get(table)))
  const { warn } = console
  Object.assign(console, { warn: () => undefined })
  try {
    mendUtil(require)
    return require(name) as Package
  } finally {
    Object.assign(console, { warn })
    tables.forEach((table, i) => {
      for (const [key, entry] of kept[i]!) globals().get(table)!.set(key, entry)
    })
    void tf.setBackend(before)
  }
}

const remedy = (name: PackageName): string =>
  `npm install ${name}@4.22.0, or build it on a current TensorFlow as plugins/services/tfjs-node/README.md says; or use --engine onnxruntime`

/**
 * TensorFlow's kernels and its backend. The package is looked for from Ockham's own folder, then from the folder that the process runs in.
 * Throws `OCK-TFJS-001` where it is not installed, `-002` where it does not load.
 */
export function loadTensorFlow(name: PackageName, from: readonly string[]): TensorFlow {
  const requires = from.map((folder) => createRequire(join(folder, 'package.json')))
  const require = requires.find((r) => {
    try {
      return r.resolve(name)
    } catch {
      return false
    }
  })
  if (!require)
    throw new InputError({ code: 'OCK-TFJS-001', what: `${name} is not installed`, where: engineOf(name), remedy: remedy(name) })
  try {
    const { version } = imported(require, name)
    const backend = tf.engine().findBackend('tensorflow') as unknown as NodeBackend
    return {
      backend,
      version: version['tfjs-node']!,
      tensorflow: backend.binding.TF_Version ?? 'unknown',
      gpu: backend.isUsingGpuDevice,
    }
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause)
    throw new InputError(
      { code: 'OCK-TFJS-002', what: `${name} does not load: ${said}`, where: engineOf(name), remedy: remedy(name) },
      { cause },
    )
  }
}
