import type { Problem } from './inference.js'
import type { Posterior } from './posterior.js'
import type { Run } from './run.js'
import type { Json } from './value.js'

/** Numbers, tables and pictures (Vega-Lite 6 specifications with their data inside). */
export interface Report {
  /** `<split>/<metric>` → number, e.g. `test/accuracy`. */
  readonly values: Readonly<Record<string, number>>
  readonly tables?: Readonly<Record<string, readonly Readonly<Record<string, Json>>[]>>
  readonly figures?: Readonly<Record<string, Json>>
}

/** Turns a posterior into numbers and pictures. */
export interface Evaluation {
  evaluate(posterior: Posterior, problem: Problem, run: Run): Promise<Report>
}
