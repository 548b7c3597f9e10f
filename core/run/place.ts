import type { Engine, HostKey, LoopPlan, RunEvent } from '../contracts/index.js'
import type { Store } from './store.js'

/** Where work happens: its key, its path among the stages, and what it may use. */
export interface Place {
  readonly key: HostKey
  readonly engine: Engine
  readonly signal: AbortSignal
  readonly store: Store
  /** Names of the stages around. */
  readonly path: readonly string[]
  /** Seconds each finished stage took, by path. */
  readonly timings: Record<string, number>
  record(event: RunEvent, path: readonly string[]): void
  /** Set while planning: gets a fold's plan, or a stage that is no fold and has none, and throws to end the work there. */
  planned?(name: string, steps: number, plan?: LoopPlan): Promise<void>
}
