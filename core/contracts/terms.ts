import type { Scalar, Tensor } from '@tensorflow/tfjs-core'
import type { Batch } from './dataset.js'
import type { Engine } from './engine.js'
import type { Problem } from './inference.js'
import type { HostKey, Key } from './key.js'
import type { Input, Net, Variables } from './model.js'
import type { Prediction } from './posterior.js'
import type { Tensors, Value, Values } from './value.js'

/** What Objective and Prior have in common: a memory that every checkpoint saves, and what they want fed each step. */
export interface Term {
  /** Memory at the start, from the initial variables: frozen features, class counts, group weights. */
  init?(problem: Problem, vars: Variables<Value>, key: HostKey): Values | Promise<Values>
  /** On the host, once a step: a context batch, say. Shapes are the same every step. */
  feed?(step: number, key: HostKey, problem: Problem): Values | Promise<Values>
}

/** One training step as its terms see it: one joint pass, handed to all. */
export interface Step<X extends Input = Input, Y = Tensor> {
  readonly engine: Engine
  readonly net: Net<X, Y>
  readonly batch: Batch<X>
  /** Rows of the batch first, then the rows the prior asked for. */
  readonly x: X
  /** The model's output on `x`. */
  readonly y: Y
  /** Rows of the batch proper: the first `batchRows` of `x` and `y`. */
  readonly batchRows: number
  /** The term's own memory and feed. */
  readonly memory: Tensors
  readonly feed: Tensors
  /** The term's own stream at this step. */
  readonly key: Key
  /** Share of the steps done, in [0, 1). */
  readonly progress: Scalar
  /** N, the number of training examples. */
  readonly examples: number
}

/** The data term. */
export interface Objective<Y = Tensor> extends Term {
  /** Loss an example [n] in nats, reduced over tokens or pixels; `weight` [n] says how much each counts (default: the batch's). */
  loss(y: Y, batch: Batch, step: Step<Input, Y>): { readonly loss: Tensor; readonly weight?: Tensor; readonly memory?: Tensors }
  /** The distribution that outputs `y` stand for. */
  predict(y: Y): Prediction<Tensor>
  /** S [n, C, K] with S Sᵀ the Hessian of the loss in y. Present exactly where the loss is a negative log-likelihood. */
  root?(y: Y): Tensor
}

/** A density over parameters and, through the model, over functions. */
export interface Prior<X extends Input = Input, Y = Tensor> extends Term {
  /** Inputs to append to the training pass, of the batch's fields and types. */
  rows?(feed: Tensors, batch: Batch<X>): X
  /** Negative log-density up to a constant, a scalar, in nats for the whole data set; the inference divides by the number of examples. */
  energy(step: Step<X, Y>): Tensor | { readonly energy: Tensor; readonly memory: Tensors }
  /** Mean and precision (1/variance) a parameter, where the prior is a diagonal Gaussian. */
  gaussian?(vars: Variables<Value>): { readonly mean: Values; readonly precision: Values }
}
