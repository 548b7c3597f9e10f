import type { Json } from 'ockham'
import type { DatasetInput, RunStatus, Strings } from './client/index.js'

/** A point as the spool holds it: key, value (a string where JSON has no number), time, step. */
export type Point = readonly [key: string, value: number | string, time: number, step: number]

/** What a line of the spool says. `at` names a nested run inside this one (an ensemble's member), '' the run itself. */
export type Record = {
  readonly at: string
  /** Named where it is said once a run, however often the run is resumed. */ readonly once?: string
} & (
  | {
      readonly kind: 'run'
      /** Tells the run from every other, so that it is created once. */
      readonly key: string
      readonly name: string
      readonly time: number
      readonly experiment: string
      /** Server that it was meant for. */
      readonly uri?: string
      /** MLflow run to go on with. */
      readonly existing?: string
      /** Folder of the parent's spool, from this one. */
      readonly parent?: string
      readonly tags: Strings
    }
  | { readonly kind: 'resumed' }
  | { readonly kind: 'metrics'; readonly points: readonly Point[] }
  | { readonly kind: 'params'; readonly params: Strings }
  | { readonly kind: 'tags'; readonly tags: Strings }
  | { readonly kind: 'inputs'; readonly inputs: readonly DatasetInput[] }
  | { readonly kind: 'text'; readonly path: string; readonly text: string }
  /** A file of the run's folder. */
  | { readonly kind: 'file'; readonly path: string; readonly file: string }
  | { readonly kind: 'figure'; readonly path: string; readonly spec: Json }
  | {
      readonly kind: 'model'
      readonly key: string
      readonly name: string
      readonly files: readonly string[]
      readonly params: Strings
      readonly register?: string
    }
  | { readonly kind: 'end'; readonly status: RunStatus; readonly time: number }
)
