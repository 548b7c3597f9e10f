import type { Json } from 'ockham'
import type { Strings } from './client/index.js'
import type { Read } from './flatten.js'

/** What a run is, as the writer is told when it starts. */
export interface Start {
  readonly spec: Json
  readonly name: string
  readonly time: number
  /** Whether the folder is the run's own, or made for the spool alone. */
  readonly own: boolean
  readonly parent?: string
  readonly tags: Strings
  readonly datasets: readonly Read[]
  /** Examples a step and, where an example is a row of tokens, tokens an example. */
  readonly batch?: number
  readonly tokens?: number
}
