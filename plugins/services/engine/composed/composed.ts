import type { Tensor } from '@tensorflow/tfjs-core'
import type { Attrs } from '../signatures/row.js'

/** A kernel written with differentiable operations: recorded as them, and differentiated as they are, to any order. */
export interface Composed {
  readonly inputs: readonly string[]
  /** Inputs that may be absent. */
  readonly optional?: readonly string[]
  of(inputs: Readonly<Record<string, Tensor | undefined>>, attrs: Attrs): Tensor
}
