import type { Engine, Tensors, Values } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import type { LayerPass } from '../../parts/curvature/index.js'
import type { Scales } from './coordinates.js'

/** How curvature is kept. */
export const structures = ['full', 'kfac', 'diagonal', 'low-rank', 'functional'] as const
export type StructureName = (typeof structures)[number]

/** What one batch adds to the curvature. Traced. */
export interface Seen {
  readonly pass: LayerPass
  /** Gradients at the layers' outputs by each column of the root of the loss's Hessian, [n, K, places, outputs]. */
  readonly pulled: Tensors
  /** The same a column at a time, [n, places, outputs] each. */
  readonly columns: readonly Tensors[]
  /** How much each example counts [n]; already in `pulled`, by its root. */
  readonly weight: Tensor
}

/** Sums over the data from which curvature is made. */
export interface Sums {
  readonly carry: Values
  add(carry: Tensors, seen: Seen): Tensors
}

/** What a curvature says of prior and likelihood scales: numbers that the evidence is made of. */
export interface Settled {
  /** log det(s H + T) − log det T. */
  readonly logDeterminant: number
  /** Σ over each group of the diagonal of (s H + T)⁻¹. */
  readonly traces: Float64Array
}

/** The likelihood's curvature H in coordinates √δ θ, kept in one of several ways. On the host, float64. */
export interface Curvature {
  /** Whether {@link settle} and {@link factors} can be asked: not before {@link prepare}, where there is one. */
  ready?(): boolean
  /** Work on the engine before the first question. */
  prepare?(engine: Engine): Promise<void>
  settle(scales: Scales): Settled
  /** (s H + T)^(−1/2) ε in some rotation: a draw [P]. */
  draw(scales: Scales, noise: Float64Array, engine: Engine): Promise<Float64Array>
  /** What {@link Structure.covariance} reads. */
  factors(scales: Scales): Values
  save(): Values
}

/** A way of keeping curvature: how it is read back, and what it says of outputs. */
export interface Structure {
  /** The inverse of {@link Curvature.save}. */
  restore(saved: Values): Curvature
  /** Covariance of the linearised outputs [n, C, C]. Traced. `pulled` holds the rows of the Jacobian at the layers' outputs. */
  covariance(pass: LayerPass, pulled: Tensors, factors: Tensors): Tensor
}
