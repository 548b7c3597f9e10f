import { InputError, Reference, type Json, type Use } from 'ockham'
import { defaultEngine } from '../node/engines.js'
import type { Host } from '../node/index.js'
import { parseYaml } from '../node/yaml.js'
import type { Common } from './flags.js'
import { printTimings } from './print.js'

/** Exit codes: done, failed while running, bad input, interrupted. */
export const exit = { failed: 1, input: 2, interrupted: 130 } as const

/** A tracker as `--track` names it: a name, or `{ use: name, ...options }`. */
function trackerOf(text: string, i: number): Use<'tracker'> {
  const given = parseYaml(text, `--track #${i + 1}`)
  const { use: name, ...options } = (typeof given === 'object' && given !== null ? given : { use: given }) as Record<string, Json>
  if (typeof name === 'string') return new Reference(name, options) as unknown as Use<'tracker'>
  throw new InputError({
    code: 'OCK-SPEC-020',
    what: `'${text}' names no tracker`,
    where: '--track',
    remedy: "write --track mlflow, or --track '{use: mlflow, experiment: glyphs}'",
  })
}

/** Starts a host for one piece of work; Ctrl-C closes the run with a checkpoint, a second one ends at once. */
export async function withHost<T>(
  flags: Common & { readonly track?: readonly string[] },
  work: (host: Host, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { createHost } = await import('../node/index.js')
  const stop = new AbortController()
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(exit.interrupted)
    process.stderr.write('interrupted: closing with a checkpoint (again to end at once)\n')
    stop.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const host = await createHost({
    trackers: (flags.track ?? []).map((text, i) => trackerOf(text, i)),
    engine: flags.engine ?? defaultEngine,
    out: flags.out,
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.provider && { provider: flags.provider }),
    ...(flags.profile && { profile: true }),
    ...(flags.checkFinite && { checkFinite: true }),
  })
  try {
    return await work(host, stop.signal)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    if (flags.profile) printTimings((await host.engine.profile?.()) ?? [])
    await host.dispose()
  }
}
