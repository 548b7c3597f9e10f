import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { InputError, definePlugin } from 'ockham'
import type { Executor } from '../engine/executor.js'
import { compile } from './executable.js'
import { loop } from './loop.js'
import { supports } from './lower.js'
import { estimate } from './memory.js'
import { opsets } from './model.js'
import { Profile } from './profile.js'
import { checkProvider } from './provider.js'
import type { Provider } from './providers.js'
import type { Warn } from './program.js'
import { settleDenormals } from './session.js'

const version = (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version

/** How the executor runs. */
export interface OnnxruntimeOptions {
  /** Threads inside an operation; as many as there are cores where it is left out. Bits depend on it. */
  readonly threads?: number
  /** What runs the operations, the CPU by default. One that is asked for and not there is an error. */
  readonly provider?: Provider
  /** Times every operation: `engine.profile()` then gives a table, once. */
  readonly profile?: boolean
}

/**
 * The executor that lowers graphs to ONNX and runs them with ONNX Runtime, on the CPU unless another provider is asked for.
 * @throws InputError OCK-ORT-005 where `threads` is no positive whole number, OCK-ORT-011 where the provider does not work here.
 */
export async function onnxruntime(options: OnnxruntimeOptions = {}): Promise<Executor> {
  const threads = options.threads ?? availableParallelism()
  if (!Number.isInteger(threads) || threads < 1) {
    throw new InputError({
      code: 'OCK-ORT-005',
      what: `threads is ${threads}`,
      where: 'onnxruntime',
      remedy: 'give a whole number from 1 up',
    })
  }
  const profile = options.profile ? new Profile() : undefined
  const denormals = await settleDenormals()
  const provider = await checkProvider(options.provider ?? 'cpu')
  const settings = { threads, denormals, profile, provider }
  const open = new Set<{ dispose(): void }>()
  const keep = <T extends { dispose(): void }>(made: T): T => {
    open.add(made)
    const dispose = made.dispose.bind(made)
    made.dispose = () => {
      if (open.delete(made)) dispose()
    }
    return made
  }
  const warn: Warn = (message) => process.emitWarning(message, { code: 'OCK-ORT-006' })
  return {
    name: 'onnxruntime',
    build: { onnxruntime: version, opset: opsets[''], provider, threads, denormals: settings.denormals },
    // WebGPU has no float64; the runtime would compute it on the CPU without a word.
    capabilities: new Set(provider === 'webgpu' ? ['loop', 'inverse'] : ['float64', 'loop', 'inverse']),
    supports,
    peakBytes: estimate,
    compile: async (graph, precision) => keep(await compile(graph, precision, settings, warn)),
    loop: async (graph, precision, told) => keep(await loop(graph, precision, settings, told)),
    ...(profile && { profile: async () => profile.read() }),
    dispose: async () => {
      for (const made of [...open]) made.dispose()
    },
  }
}

export default definePlugin({ name: 'onnxruntime', provides: [] })
