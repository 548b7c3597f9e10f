import type { Advance, Carry, Engine } from './engine.js'
import type { RunEvent } from './events.js'
import type { Inference, Problem } from './inference.js'
import type { HostKey } from './key.js'
import type { Posterior } from './posterior.js'
import type { Values } from './value.js'

/** A pass over data: a carry, a feed, a step. Training, curvature, evaluation and the risk in a bound are folds. */
export interface Fold {
  /** State at step 0; everything that must survive a kill lives here or in `host`. */
  readonly carry: Values
  readonly steps: number
  /** On the host, one step ahead: what step number `step` reads. A pure function of its arguments. Each new set of shapes is compiled once. */
  feed?(step: number, key: HostKey): Values | Promise<Values>
  /** Traced once and compiled. */
  readonly step: Advance
  /** Gets the outputs of each step, in order, on the host. */
  absorb?(step: number, out: Values): void
  /** Host state that `absorb` and `visit` keep: saved with each checkpoint. */
  readonly host?: { save(): Values; load(saved: Values): void }
  /** Throws where a carry must not be kept (weights that are not finite): then the last good checkpoint stays. */
  sound?(carry: Values, done: number): void
  /** Stops the loop after every `every` steps to look at the carry (an epoch's validation); 'stop' ends the fold there. */
  readonly visit?: { readonly every: number; at(done: number, carry: Carry): Promise<'stop' | void> }
  /** Which scalar outputs are emitted as `step` events, all by default; [] for none. */
  readonly report?: readonly string[]
  /** Seconds and steps between checkpoints, whichever comes first. */
  readonly checkpoint?: { readonly seconds?: number; readonly steps?: number }
}

/** What work is given. Child runs of a stage have a key and a place of their own. */
export interface Run {
  readonly key: HostKey
  readonly engine: Engine
  /** Aborted by Ctrl-C and by the host; folds close with a checkpoint and throw `OCK-RUN-003`. */
  readonly signal: AbortSignal
  emit(event: RunEvent): void
  /** Drives a fold: compiles, prefetches, runs several steps a call, reports, checkpoints, resumes. Returns the last carry. */
  fold(name: string, fold: Fold): Promise<Values>
  /** Named, nested, durable work whose result is Values: on resume a finished stage is read back, not repeated. */
  stage<T extends Values>(name: string, work: (run: Run) => Promise<T>): Promise<T>
  /** The same for an inference: its posterior is saved, and restored by the inference itself. */
  infer(name: string, inference: Inference, problem: Problem): Promise<Posterior>
}
