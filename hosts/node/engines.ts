import { InputError, type Engine } from 'ockham'

/** How an engine is started. */
export interface Watched {
  readonly threads?: number | undefined
  /** Time every operation; `engine.profile()` gives the table. */
  readonly profile?: boolean | undefined
  /** Where a result is not finite, find the first operation that made one. */
  readonly checkFinite?: boolean | undefined
}

/** Engines by name; each is imported when it is asked for. Nothing falls back silently. */
const engines = {
  async onnxruntime({ threads, profile }: Watched) {
    const { onnxruntime } = await import('../../plugins/services/onnxruntime/index.js')
    return onnxruntime({ ...(threads !== undefined && { threads }), ...(profile && { profile }) })
  },
  async interpreter({ profile }: Watched) {
    const { interpreter } = await import('../../plugins/services/engine/index.js')
    return interpreter(profile ? { profile } : {})
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
  const { createEngine } = await import('../../plugins/services/engine/index.js')
  return createEngine(await engines[name as EngineName](how), how.checkFinite ? { check: 'finite' } : {})
}
