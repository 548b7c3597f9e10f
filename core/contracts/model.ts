import type { Scalar, Tensor } from '@tensorflow/tfjs-core'
import type { DatasetMeta } from './dataset.js'
import type { HostKey, Key } from './key.js'
import type { Tensors, Value } from './value.js'

/** A model's variables. Optimizers, priors, weight samplers and curvature see `params` alone. */
export interface Variables<T = Tensor> {
  /** What is learnt. */
  readonly params: Readonly<Record<string, T>>
  /** What is fixed: pre-trained or random weights, projections. */
  readonly frozen: Readonly<Record<string, T>>
  /** What a call changes: running statistics, a key-value cache. */
  readonly state: Readonly<Record<string, T>>
}

/** One input tensor [n, …], or a record of them for models with several inputs. */
export type Input = Tensor | Tensors

/** Replaces or reads the value at a named point; returns what goes on. */
export type Observe = (point: string, h: Tensor) => Tensor

/** What a model is given beside its variables and input. */
export interface Call {
  /** True while training: dropout draws, batch statistics. */
  readonly train: boolean
  readonly key: Key
  /** Whose moments a batch norm takes: those of this pass, or the running ones, which then stay. Follows `train` where left out. */
  readonly statistics?: 'batch' | 'running'
  /** Rows of the pass that count in the batch's moments [n]: those above 0, since what pads a batch is no example. All where left out. */
  readonly rows?: Tensor
  /** Share of running moments that this pass replaces, in [0, 1]; the layer's own momentum where left out. */
  readonly share?: Scalar
  /** Announces a named point and returns `h`, or what an observer puts in its place. Linear layers announce `<layer>.in` and `<layer>.out`. */
  at(point: string, h: Tensor): Tensor
  /** Hands on the new value of a state variable. */
  next(state: string, value: Tensor): void
}

/** A parametric function with named variables. Kernels are [in, out]. */
export interface Model<X extends Input = Input, Y = Tensor> {
  /** True where `init` gives weights that were learnt before, so that they can serve as they are. */
  readonly pretrained?: boolean
  /** Fresh variables; reads pre-trained weights where the model has them. */
  init(key: HostKey, meta: DatasetMeta): Variables<Value> | Promise<Variables<Value>>
  /** Files for other programs that hold what was learnt, by name. A run writes them beside its posterior. */
  files?(vars: Variables<Value>, meta: DatasetMeta): Readonly<Record<string, Uint8Array | string>>
  /** Traced and pure. Classifiers return logits [n, C], regressors means [n, D]. */
  apply(vars: Variables, x: X, call: Call): Y
}

/**
 * A model at given variables inside a step. Calls with the same input and mode share one pass; masks are those of the step.
 */
export interface Net<X extends Input = Input, Y = Tensor> {
  readonly vars: Variables
  (x: X, options?: { readonly at?: Observe }): Y
  /** The values at named points of the pass over `x`, as `at` leaves them; `OCK-MODEL-001` names the points there are. */
  points(x: X, names: readonly string[], options?: { readonly at?: Observe }): Tensors
  /**
   * The same function at other parameters: its masks are shared, its state changes dropped. With `statistics: 'running'` a batch norm is
   * frozen there while dropout goes on; statistics follow `train` where that alone is given. `state` are running moments of its own.
   */
  with(
    params: Tensors,
    options?: { readonly train?: boolean; readonly statistics?: 'batch' | 'running'; readonly state?: Tensors },
  ): Net<X, Y>
}
