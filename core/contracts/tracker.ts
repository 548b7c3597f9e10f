import type { Observable } from 'rxjs'
import type { DatasetMeta } from './dataset.js'
import type { Recorded } from './events.js'
import type { Json } from './value.js'

/** A run as trackers see it. */
export interface Tracked {
  readonly id: string
  readonly spec: Json
  readonly events: Observable<Recorded>
  /** Absent where the run keeps everything in memory. */
  readonly folder?: string
  /** Identity of the run that this one is a child of; trackers are attached to it first. */
  readonly parent?: string
  readonly engine?: { readonly name: string; readonly build: Readonly<Record<string, string | number>> }
  readonly versions?: Readonly<Record<string, string>>
  /** What the run reads, and where its spec names it: `dataset` for its own, else a path (`prior.context`). */
  readonly datasets?: readonly { readonly where: string; readonly name: string; readonly meta: DatasetMeta }[]
  /** Adds a warning to the run's events. */
  warn?(code: string, message: string): void
}

/** A listener that keeps a record. It belongs to the host, not to the spec. */
export interface Tracker {
  /** Starts listening; `flush` resolves when everything heard so far is kept. It never fails: what goes wrong is a warning. */
  attach(run: Tracked): { flush(): Promise<void> }
}
