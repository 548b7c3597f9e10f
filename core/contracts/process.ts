import type { DatasetMeta } from './dataset.js'
import type { HostKey } from './key.js'
import type { Value, Values } from './value.js'

/** Derivatives of a scalar in what a {@link Process} gives, each with the points it was given at. */
export interface Pulled {
  /** In the mean, [n, outputs]. */
  readonly mean?: { readonly x: Value; readonly by: Value }
  /** In covariances, [n, m] each; those of several outputs add up. */
  readonly covariance?: readonly { readonly a: Value; readonly b: Value; readonly by: Value }[]
  /** In the variances, [n]. */
  readonly variance?: { readonly x: Value; readonly by: Value }
}

/** A prior over functions rather than a parametric function, a Gaussian process above all. Float64, on the host, no tensors. */
export interface Process {
  /** Hyper-parameters at their start, unconstrained. */
  init(key: HostKey, meta: DatasetMeta): Values | Promise<Values>
  /** Mean at the rows of `x` [n, d] → [n, outputs]. */
  mean(hyper: Values, x: Value): Value
  /** Covariance between the rows of `a` [n, d] and `b` [m, d] → [n, m], the same for every output. Symmetric to the bit where `a` is `b`. */
  covariance(hyper: Values, a: Value, b: Value): Value
  /** Diagonal of the covariance of the rows of `x` with themselves → [n]. */
  variance(hyper: Values, x: Value): Value
  /** Pulls derivatives back to the hyper-parameters, every one of them. */
  gradient(hyper: Values, pulled: Pulled): Values
}
