import { Observable, Subject, Subscriber, Subscription } from 'rxjs'
import type { Observer, OperatorFunction } from 'rxjs'
import type { Recorded, RunEvent } from './contracts/index.js'

/** Carries a run's events to whoever listens. */
export interface Bus {
  readonly events: Observable<Recorded>
  /** Fixes the time now, and hands the event to every listener in the order of emission. After `close` events are dropped. */
  emit(event: RunEvent, path?: readonly string[]): void
  /** Completes `events`. */
  close(): void
}

type Report = (error: unknown) => void

/** An observable, and all that is piped from it, whose listeners are reported and detached when they throw: rxjs alone would end the process. */
class Isolated<T> extends Observable<T> {
  constructor(
    readonly report: Report,
    events: Observable<T>,
  ) {
    super((out) => events.subscribe(out))
    const piped = this.pipe.bind(this) as (...steps: OperatorFunction<never, never>[]) => Observable<unknown>
    this.pipe = ((...steps: OperatorFunction<never, never>[]) => new Isolated(report, piped(...steps))) as typeof this.pipe
  }

  override subscribe(
    listener?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((failed: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // An operator's own subscriber: what it hands on is guarded where it ends.
    if (listener instanceof Subscriber) return super.subscribe(listener)
    const observer: { [N in keyof Observer<T>]?: Observer<T>[N] | null | undefined } =
      typeof listener === 'function' ? { next: listener, error, complete } : (listener ?? { error, complete })
    const outer = new Subscription()
    const attempt = (work: () => void): void => {
      if (outer.closed) return
      try {
        work()
      } catch (thrown) {
        outer.unsubscribe()
        this.report(thrown)
      }
    }
    const inner = super.subscribe({
      next: (value) => attempt(() => observer.next?.(value)),
      error: (failed) => attempt(() => (observer.error ? observer.error(failed) : this.report(failed))),
      complete: () => attempt(() => observer.complete?.()),
    })
    inner.add(outer)
    outer.add(inner)
    return outer
  }
}

/** `unheard` gets the message about a listener that threw where no other is left to hear it. */
export function createBus(unheard: (message: string) => void = () => undefined): Bus {
  const subject = new Subject<Recorded>()
  const waiting: Recorded[] = []
  let handing = false

  // Events that listeners emit wait, so that all listeners hear one order.
  const record = (event: RunEvent, path: readonly string[]): void => {
    waiting.push(Object.freeze({ ...event, time: new Date().toISOString(), path: [...path] }))
    if (handing) return
    handing = true
    for (let next = waiting.shift(); next; next = waiting.shift()) subject.next(next)
    handing = false
  }

  const report: Report = (error) => {
    const message = `a listener threw and is detached: ${error instanceof Error ? error.message : String(error)}`
    if (subject.observed && !subject.closed) record({ type: 'warning', code: 'OCK-EVENT-001', message }, [])
    else unheard(`OCK-EVENT-001: ${message}`)
  }

  return {
    events: new Isolated<Recorded>(report, subject),
    emit: (event, path = []) => record(event, path),
    close: () => subject.complete(),
  }
}
