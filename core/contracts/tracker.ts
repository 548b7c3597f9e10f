import type { Observable } from 'rxjs'
import type { Recorded } from './events.js'
import type { Json } from './value.js'

/** A listener that keeps a record. It belongs to the host, not to the spec. */
export interface Tracker {
  /** Starts listening; `flush` resolves when everything heard so far is kept. */
  attach(run: { readonly id: string; readonly spec: Json; readonly events: Observable<Recorded>; readonly folder?: string }): {
    flush(): Promise<void>
  }
}
