import { InputError, type Engine } from 'ockham'
import { providers, type Provider } from '../../plugins/services/onnxruntime/providers.js'

export { providers, type Provider }

/** How an engine is started. */
export interface Watched {
  readonly threads?: number | undefined
  /** What runs the operations of `onnxruntime`: cpu, webgpu, cuda. */
  readonly provider?: string | undefined
  /** Time every operation; `engine.profile()` gives the table. */
  readonly profile?: boolean | undefined
  /** Where a result is not finite, find the first operation that made one. */
  readonly checkFinite?: boolean | undefined
}

/** Engines by name; each is imported when it is asked for. Nothing falls back silently. */
const engines = {
  async onnxruntime({ threads, provider, profile }: Watched) {
    const { onnxruntime } = await import('../../plugins/services/onnxruntime/index.js')
    return onnxruntime({
      ...(threads !== undefined && { threads }),
      ...(provider !== undefined && { provider: provider as Provider }),
      ...(profile && { profile }),
    })
  },
  async interpreter({ profile }: Watched) {
    const { interpreter } = await import('../../plugins/services/engine/index.js')
    return interpreter(profile ? { profile } : {})
  },
  async 'tfjs-node'({ profile }: Watched) {
    const { tfjsNode } = await import('../../plugins/services/tfjs-node/index.js')
    return tfjsNode(profile ? { profile } : {})
  },
  async 'tfjs-node-gpu'({ profile }: Watched) {
    const { tfjsNode } = await import('../../plugins/services/tfjs-node/index.js')
    return tfjsNode({ package: '@tensorflow/tfjs-node-gpu', ...(profile && { profile }) })
  },
}

export type EngineName = keyof typeof engines
export const engineNames = Object.keys(engines) as EngineName[]
export const defaultEngine: EngineName = 'onnxruntime'

/** Starts an engine by name. */
export async function startEngine(name: string, how: Watched = {}): Promise<Engine> {
  if (!Object.hasOwn(engines, name))
    throw new InputError({
      code: 'OCK-ENGINE-030',
      what: `there is no engine '${name}'`,
      where: '--engine',
      remedy: `choose one of ${engineNames.join(', ')}`,
    })
  if (how.provider !== undefined && name !== 'onnxruntime')
    throw new InputError({
      code: 'OCK-ENGINE-031',
      what: `the engine '${name}' has no execution providers, and ${how.provider} was asked for`,
      where: '--provider',
      remedy: 'use --engine onnxruntime, or leave it out',
    })
  const { createEngine } = await import('../../plugins/services/engine/index.js')
  return createEngine(await engines[name as EngineName](how), how.checkFinite ? { check: 'finite' } : {})
}
