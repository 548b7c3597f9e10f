import { InputError, type Engine } from 'ockham'

/** Engines by name; each is imported when it is asked for. Nothing falls back silently. */
const engines = {
  async onnxruntime(threads?: number) {
    const { onnxruntime } = await import('../../plugins/services/onnxruntime/index.js')
    return onnxruntime(threads === undefined ? {} : { threads })
  },
  async interpreter() {
    const { interpreter } = await import('../../plugins/services/engine/index.js')
    return interpreter()
  },
}

export type EngineName = keyof typeof engines
export const engineNames = Object.keys(engines) as EngineName[]
export const defaultEngine: EngineName = 'onnxruntime'

/** Starts an engine by name. */
export async function startEngine(name: string, threads?: number): Promise<Engine> {
  if (!Object.hasOwn(engines, name))
    throw new InputError({
      code: 'OCK-ENGINE-030',
      what: `there is no engine '${name}'`,
      where: '--engine',
      remedy: `choose one of ${engineNames.join(', ')}`,
    })
  const { createEngine } = await import('../../plugins/services/engine/index.js')
  return createEngine(await engines[name as EngineName](threads))
}
