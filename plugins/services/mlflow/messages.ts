import type { Start } from './start.js'
import type { MlflowOptions } from './options.js'
import type { Packed } from './packing.js'

/** What the writer's thread is started with. */
export interface Setup {
  readonly options: MlflowOptions
  /** Steps that the writer has taken in: an int32 that both threads see. */
  readonly taken: SharedArrayBuffer
}

/** To the writer. `folder` names the run. */
export type Order =
  | { readonly type: 'start'; readonly folder: string; readonly start: Start; readonly script: string }
  | { readonly type: 'events'; readonly folder: string; readonly items: readonly Packed[]; readonly steps: number }
  /** Answered when what came before is on disk; with `deliver`, when the server has it, that of other runs too, or is given up. */
  | { readonly type: 'flush'; readonly folder: string; readonly ticket: number; readonly deliver: boolean }
  | { readonly type: 'close'; readonly folder: string }

/** From the writer. */
export type Word =
  | { readonly type: 'flushed'; readonly ticket: number; readonly done: boolean; readonly reason?: string }
  | { readonly type: 'warning'; readonly folder: string; readonly code: string; readonly message: string }
