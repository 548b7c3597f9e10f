import type { Problem } from './inference.js'
import type { Posterior } from './posterior.js'
import type { Run } from './run.js'

/** A statement that holds with the stated confidence under the stated assumptions. */
export interface Certificate {
  /** The bound's name in the registry. */
  readonly bound: string
  /** What is bounded, e.g. `error rate on the test distribution`. */
  readonly quantity: string
  /** The unit that is drawn independently: image, document, token. */
  readonly unit: string
  readonly value: number
  /** What holds without any data. */
  readonly trivial: number
  readonly vacuous: boolean
  /** 1 − δ for this certificate alone; a run with several shares its δ equally, so that all hold jointly. */
  readonly confidence: number
  /** The numbers the value was computed from. */
  readonly terms: Readonly<Record<string, number>>
  /** How the value follows from the terms, so that anybody can compute it again. */
  readonly formula?: string
  readonly assumptions: readonly string[]
  /** SHA-256 of what was evaluated: posterior, data. */
  readonly digests: Readonly<Record<string, string>>
}

/** Turns a posterior into a certificate at confidence 1 − delta. */
export interface Bound {
  certify(posterior: Posterior, problem: Problem, run: Run, delta: number): Promise<Certificate>
}
