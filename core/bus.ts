import { Observable, Subject, Subscriber } from 'rxjs'
import type { Observer, Operator, Subscription } from 'rxjs'
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
    source: Observable<unknown>,
    operator?: Operator<unknown, T>,
  ) {
    super()
    this.source = source
    this.operator = operator
  }

  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    return new Isolated<R>(this.report, this, operator as Operator<unknown, R>)
  }

  override subscribe(
    listener?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((failed: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // An operator's own subscriber: what it hands on is guarded where it ends.
    if (listener instanceof Subscriber) return super.subscribe(listener)
    const observer = typeof listener === 'function' ? { next: listener, error, complete } : (listener ?? { error, complete })
    let detached = false
    let subscription: Subscription | undefined
    const attempt = (work: () => void): void => {
      if (detached) return
      try {
        work()
      } catch (thrown) {
        detached = true
        subscription?.unsubscribe()
        this.report(thrown)
      }
    }
    subscription = super.subscribe({
      next: (value) => attempt(() => 'next' in observer && observer.next?.(value)),
      error: (failed) => attempt(() => (observer.error ? observer.error(failed) : this.report(failed))),
      complete: () => attempt(() => observer.complete?.()),
    })
    if (detached) subscription.unsubscribe()
    return subscription
  }
}

export function createBus(): Bus {
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
    else console.error(`OCK-EVENT-001: ${message}`)
  }

  return {
    events: new Isolated<Recorded>(report, subject),
    emit: (event, path = []) => record(event, path),
    close: () => subject.complete(),
  }
}
