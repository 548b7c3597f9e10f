import type { Carry, Fold, HostKey, Loop, Values } from '../contracts/index.js'
import { Interrupted, RunError } from '../errors.js'
import type { Place } from './place.js'

/** Seconds a call may take: progress, Ctrl-C and checkpoints act between calls. */
const callSeconds = 0.5

/** How many of the feeds, from the first on, are of the first one's shapes: a call takes those. */
function alike(feeds: readonly Values[]): number {
  const shapes = (feed: Values | undefined): string => JSON.stringify(Object.entries(feed ?? {}).map(([n, v]) => [n, v.dtype, v.shape]))
  const other = feeds.findIndex((feed) => shapes(feed) !== shapes(feeds[0]))
  return Math.max(1, other < 0 ? feeds.length : other)
}

const prefixed = (prefix: string, values: Values): Values => Object.fromEntries(Object.entries(values).map(([n, v]) => [prefix + n, v]))

const under = (prefix: string, values: Values): Values =>
  Object.fromEntries(Object.entries(values).flatMap(([n, v]) => (n.startsWith(prefix) ? [[n.slice(prefix.length), v]] : [])))

interface Progress {
  readonly step: number
  readonly done: boolean
}

/** Drives a fold in its place: compile, prefetch, several steps a call, report, checkpoint, resume. */
export async function driveFold(place: Place, name: string, fold: Fold): Promise<Values> {
  const file = `${[...place.path, name].join('/')}.fold`
  const saved = await place.store.read(file)
  const at = saved?.meta as Progress | undefined
  if (saved) fold.host?.load(under('host.', saved.values))
  if (saved && at?.done) return under('carry.', saved.values)
  const loop = place.engine.loop(fold.step, {
    warn: (message) => place.record({ type: 'warning', code: 'OCK-ENGINE-020', message }, place.path),
  })
  try {
    return await new Drive(place, name, fold, file, loop, place.key.fold(name)).from(at?.step ?? 0, saved && under('carry.', saved.values))
  } finally {
    loop.dispose()
  }
}

class Drive {
  #checkpointed = { step: 0, time: 0 }
  #stepSeconds = 0

  constructor(
    readonly place: Place,
    readonly name: string,
    readonly fold: Fold,
    readonly file: string,
    readonly loop: Loop,
    readonly key: HostKey,
  ) {}

  async from(start: number, restored: Values | undefined): Promise<Values> {
    const { fold, place, name } = this
    const plan = await this.loop.prepare(restored ?? fold.carry, await this.#feed(start))
    await place.planned?.(name, fold.steps, plan)
    let carry = this.loop.load(restored ?? fold.carry)
    if (restored) this.#mark(start)
    else await this.#checkpoint(0, carry, false)
    if (start > 0) place.record({ type: 'resumed', fold: name, step: start }, place.path)
    let step = start
    let next = this.#read(step, this.#end(step, plan.stepsPerCall))
    while (step < fold.steps) {
      const feeds = await next
      const end = Math.min(this.#end(step, plan.stepsPerCall), step + alike(feeds))
      // Reading goes on while the engine works, where the engine lets it.
      const rest = feeds.slice(end - step)
      const from = end + rest.length
      const read = this.#read(from, Math.max(from, this.#end(end, plan.stepsPerCall))).then((more) => [...rest, ...more])
      read.catch(() => undefined)
      const began = performance.now()
      const { carry: after, outs } = await this.loop.advance(carry, step, feeds.slice(0, end - step), this.#keys(step, end))
      this.#stepSeconds = (performance.now() - began) / 1000 / (end - step)
      carry = after
      for (const [i, out] of outs.entries()) this.#report(step + i, out)
      step = end
      const stop = fold.visit && (step % fold.visit.every === 0 || step === fold.steps) ? await fold.visit.at(step, carry) : undefined
      if (stop === 'stop') break
      if (place.signal.aborted) await this.#interrupt(step, carry)
      if (step < fold.steps && this.#due(step)) await this.#checkpoint(step, carry, false)
      const upcoming = this.#end(step, plan.stepsPerCall)
      const ahead = await read
      next = ahead.length >= upcoming - step ? Promise.resolve(ahead) : this.#read(step, upcoming)
    }
    await this.#checkpoint(step, carry, true)
    return carry.read()
  }

  /** Where the call that starts at `step` ends: never across a visit, a checkpoint or the end. */
  #end(step: number, stepsPerCall: number): number {
    const { fold } = this
    // The first call is one step: nobody knows yet how long one takes.
    const patience = this.#stepSeconds > 0 ? Math.max(1, Math.floor(callSeconds / this.#stepSeconds)) : 1
    const stops = [fold.steps, step + Math.min(stepsPerCall, patience)]
    for (const every of [fold.visit?.every, fold.checkpoint?.steps]) if (every) stops.push((Math.floor(step / every) + 1) * every)
    return Math.min(...stops)
  }

  #keys(start: number, end: number): HostKey[] {
    return Array.from({ length: end - start }, (_, i) => this.key.fold('step').fold(start + i))
  }

  async #feed(step: number): Promise<Values> {
    return (await this.fold.feed?.(step, this.key.fold('feed'))) ?? {}
  }

  async #read(start: number, end: number): Promise<Values[]> {
    const steps = Array.from({ length: Math.max(0, Math.min(end, this.fold.steps) - start) }, (_, i) => start + i)
    // All are asked for before the engine takes the thread, so that workers read them meanwhile.
    return Promise.all(steps.map((step) => this.#feed(step)))
  }

  #report(step: number, out: Values): void {
    const { fold, place, name } = this
    const values: Record<string, number> = {}
    for (const [n, v] of Object.entries(out)) if (v.data.length === 1 && (fold.report?.includes(n) ?? true)) values[n] = v.data[0]!
    if (Object.keys(values).length > 0) place.record({ type: 'step', fold: name, step, of: fold.steps, values }, place.path)
    fold.absorb?.(step, out)
  }

  #mark(step: number): void {
    this.#checkpointed = { step, time: performance.now() }
  }

  #due(step: number): boolean {
    const { seconds = 30, steps } = this.fold.checkpoint ?? {}
    return (
      (steps !== undefined && (step % steps === 0 || step - this.#checkpointed.step >= steps)) ||
      performance.now() - this.#checkpointed.time >= seconds * 1000
    )
  }

  async #checkpoint(step: number, carry: Carry, done: boolean): Promise<void> {
    const now = await carry.read()
    this.fold.sound?.(now, step)
    const values = { ...prefixed('carry.', now), ...prefixed('host.', this.fold.host?.save() ?? {}) }
    await this.place.store.write(this.file, { values, meta: { step, done } })
    this.#mark(step)
    this.place.record({ type: 'checkpoint', fold: this.name, step }, this.place.path)
  }

  async #interrupt(step: number, carry: Carry): Promise<never> {
    await this.#checkpoint(step, carry, false)
    throw new Interrupted({
      code: 'OCK-RUN-003',
      what: 'the run was interrupted',
      where: `${this.name}, step ${step}`,
      remedy: 'ockham resume goes on from here',
    })
  }
}

/** A fold's step count must be a whole number of at least one. */
export const checkFold = (name: string, fold: Fold): void => {
  if (!Number.isInteger(fold.steps) || fold.steps < 1)
    throw new RunError({
      code: 'OCK-RUN-001',
      what: `a fold needs at least one step, not ${fold.steps}`,
      where: name,
      remedy: 'check epochs, steps and the size of the training split',
    })
}
