import type { Scalar, Tensor } from '@tensorflow/tfjs-core'
import type { Batch, Dataset } from './dataset.js'
import type { Key } from './key.js'
import type { Model } from './model.js'
import type { Posterior, Saved } from './posterior.js'
import type { Process } from './process.js'
import type { Run } from './run.js'
import type { Objective, Prior } from './terms.js'
import type { Tensors, Values } from './value.js'

/** What is to be learnt, from what, and how it is judged. */
export interface Problem<M extends Model | Process = Model | Process> {
  readonly model: M
  readonly dataset: Dataset
  readonly objective: Objective
  readonly prior: Prior
  /** Where learning starts: a posterior, a saved run, weights from a file, or an earlier stage. */
  readonly initial?: Posterior
  /** N, the number of training examples. */
  readonly examples: number
}

/** A learning procedure. It may wrap another: `laplace({ after: map })`. */
export interface Inference {
  infer(problem: Problem, run: Run): Promise<Posterior>
  /** The inverse of `save`: what resume, `initial` and `load` use. */
  restore(saved: Saved, problem: Problem): Posterior | Promise<Posterior>
  /**
   * The posterior that a message stands for, from the problem and a run with the key that `infer` had. What the message says is not learnt
   * again; what decoder and encoder both know may have to be.
   */
  decode?(bytes: Uint8Array, problem: Problem, run: Run): Promise<Posterior>
  /** What `--dry-run` prints: steps, and sizes where they are known. */
  plan?(problem: Problem): Readonly<Record<string, number>>
}

/** How a mean gradient is asked for: at which parameters, and with which reduction of the example losses (default: the weighted mean). */
export type Gradient = (params: Tensors, reduce?: (loss: Tensor, batch: Batch, weight: Tensor) => Scalar) => Tensors

/** One update of the parameters; traced and pure. */
export interface Optimizer {
  /** Memory at the start: moments, products of decay rates (never powers: carry β^t). */
  init(params: Values): Values
  /** `gradient` is a function, so that it may be asked elsewhere (SAM) or at noisy parameters (IVON). */
  update(at: {
    readonly params: Tensors
    readonly memory: Tensors
    readonly gradient: Gradient
    readonly key: Key
    readonly step: Scalar
    /** Schedule in [0, 1] by which the learning rate is multiplied. */
    readonly rate: Scalar
    readonly examples: number
  }): { readonly params: Tensors; readonly memory: Tensors }
  /** True where the optimizer decays weights itself; with a Gaussian prior beside it decay would count twice, and the run warns. */
  readonly decays?: boolean
}
