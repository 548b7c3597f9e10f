import type { Fault, TypedArray } from 'ockham'
import type { Field } from '../gather.js'
import type { Loading } from './load.js'
import type { Reading } from './changed.js'

/** What a worker is asked: rows of images, or pictures to decode into shared memory. */
export type Task =
  | { readonly type: 'read'; readonly field: Field; readonly rows: TypedArray; readonly reading: Reading }
  | { readonly type: 'load'; readonly loading: Loading }

export interface Asked {
  readonly ticket: number
  readonly task: Task
}

/** What it says: that it listens; then a result, faults of the input, or what else went wrong. */
export type Answer =
  | { readonly ready: true }
  | { readonly ticket: number; readonly result: unknown }
  | { readonly ticket: number; readonly faults: readonly Fault[] }
  | { readonly ticket: number; readonly failed: string }
