import type { Certificate } from './bound.js'
import type { Json } from './value.js'

/** The engine a run's bits depend on. */
export interface EngineRecord {
  readonly name: string
  readonly build: Readonly<Record<string, string | number>>
}

/** What happens, as it is emitted. The bus adds `time` (ISO 8601) and `path`, the names of the stages around it. */
export type RunEvent =
  | { readonly type: 'run.started'; readonly run: string; readonly spec: Json; readonly engine?: EngineRecord; readonly resumed?: boolean }
  | { readonly type: 'stage.started' | 'stage.finished'; readonly stage: string; readonly reused?: boolean }
  /** Scalars of a fold's step; `of` is the number of steps. */
  | {
      readonly type: 'step'
      readonly fold: string
      readonly step: number
      readonly of: number
      readonly values: Readonly<Record<string, number>>
    }
  | { readonly type: 'epoch'; readonly epoch: number; readonly values: Readonly<Record<string, number>> }
  | { readonly type: 'evaluation'; readonly name: string; readonly values: Readonly<Record<string, number>> }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  | { readonly type: 'figure'; readonly name: string; readonly spec: Json }
  | { readonly type: 'artifact'; readonly name: string; readonly file: string }
  | { readonly type: 'checkpoint'; readonly fold: string; readonly step: number }
  | { readonly type: 'resumed'; readonly fold: string; readonly step: number }
  | { readonly type: 'warning'; readonly code: string; readonly message: string }
  | { readonly type: 'run.finished'; readonly seconds: number }
  | { readonly type: 'run.failed'; readonly code: string; readonly message: string }

/** An event as listeners get it. */
export type Recorded = RunEvent & { readonly time: string; readonly path: readonly string[] }
