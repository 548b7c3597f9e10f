import type { HostKey } from './key.js'
import type { Value, Values } from './value.js'

/** A prior over functions rather than a parametric function, a Gaussian process above all. Float64, on the host, no tensors. */
export interface Process {
  /** Hyper-parameters at their start, unconstrained. */
  init(key: HostKey): Values | Promise<Values>
  /** Mean at the rows of `x` [n, d] → [n, outputs]. */
  mean(hyper: Values, x: Value): Value
  /** Covariance between the rows of `a` [n, d] and `b` [m, d] → [n, m]. */
  covariance(hyper: Values, a: Value, b: Value): Value
  /** Pulls dL/dK, one [n, n] an output, back to the hyper-parameters. */
  gradient?(hyper: Values, x: Value, dK: readonly Value[]): Values
}
