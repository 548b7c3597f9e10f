import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Timing } from 'ockham'
import type * as ort from 'onnxruntime-node'

interface Event {
  readonly cat: string
  readonly name: string
  readonly dur: number
  readonly args?: { readonly op_name?: string }
}

/** Operations that run others: their time is counted there. */
const around = new Set(['Scan', 'Loop', 'If'])

/** The runtime's own profile of every session that was opened while it stands: a file a session, read when they end. */
export class Profile {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ockham-profile-'))
  readonly #sessions = new Set<ort.InferenceSession>()
  readonly #kinds = new Map<string, { calls: number; ms: number }>()
  #opened = 0

  /** Session options that write the profile of one session. */
  options(): ort.InferenceSession.SessionOptions {
    return { enableProfiling: true, profileFilePrefix: join(this.#folder, `${this.#opened++}`) }
  }

  add(session: ort.InferenceSession): ort.InferenceSession {
    this.#sessions.add(session)
    const release = session.release.bind(session)
    session.release = () => {
      this.#end(session)
      return release()
    }
    return session
  }

  #end(session: ort.InferenceSession): void {
    if (this.#sessions.delete(session)) session.endProfiling()
  }

  /** Ends the profile; time by kind of operation, most first. */
  read(): readonly Timing[] {
    for (const session of [...this.#sessions]) this.#end(session)
    for (const file of readdirSync(this.#folder)) this.#count(JSON.parse(readFileSync(join(this.#folder, file), 'utf8')) as Event[])
    rmSync(this.#folder, { recursive: true, force: true })
    return [...this.#kinds].map(([kind, { calls, ms }]) => ({ kind, calls, ms })).sort((a, b) => b.ms - a.ms)
  }

  #count(events: readonly Event[]): void {
    for (const { cat, name, dur, args } of events) {
      const kind = args?.op_name
      if (cat !== 'Node' || !kind || around.has(kind) || !name.endsWith('_kernel_time')) continue
      const known = this.#kinds.get(kind) ?? { calls: 0, ms: 0 }
      this.#kinds.set(kind, { calls: known.calls + 1, ms: known.ms + dur / 1000 })
    }
  }
}
