import type { Tensor } from '@tensorflow/tfjs-core'
import type { Value } from './value.js'

/**
 * A counter-based random stream (Threefry-2x32, Salmon et al. 2011). Keys are values: drawing does not change one, so
 * two draws of one key are equal; `fold` makes an independent stream, by name or number, never by order.
 * A host key draws Values; the traced key of the same path draws Tensors with the same numbers.
 * Inside a traced function a key from outside is refused (`OCK-ENGINE-003`): its draws would be frozen into the program.
 */
export interface Key<T = Tensor> {
  /** The stream named `data` below this one. A traced number (a Tensor) is not accepted by engines that fill draws on the host. */
  fold(data: string | number): Key<T>
  /** Standard normal, float32 [shape]. */
  normal(shape: readonly number[]): T
  /** Uniform on [0, 1), float32 [shape]. */
  uniform(shape: readonly number[]): T
  /** 1 with probability `p`, else 0; float32 [shape]. */
  bernoulli(p: number, shape: readonly number[]): T
  /** Uniform on {0, …, below − 1}, int32 [shape]. */
  integers(shape: readonly number[], below: number): T
  /** A permutation of 0 … n − 1, int32 [n]. */
  permutation(n: number): T
}

/** The key of host code. */
export type HostKey = Key<Value>
