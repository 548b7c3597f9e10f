import type { HostKey, Tensors, Value, Values } from 'ockham'
import { InputError } from 'ockham'
import type { Tensor } from 'ockham/tensor'

/** A fixed random linear map P from [dim] to all parameters of a model, [rows] in the order of their names. */
export interface Projector {
  /** What P is made of, from the key alone. `params` are the parameters that it moves, by name; only names and shapes count. */
  init(key: HostKey, params: Values, dim: number): Values
  /** P w, traced: [dim] → [rows]. */
  up(parts: Tensors, w: Tensor): Tensor
  /** P w on the host in float64, so that it is the same number everywhere. */
  apply(parts: Values, w: ArrayLike<number>): Float64Array
}

declare module 'ockham' {
  interface Kinds {
    projector: Projector
  }
}

/** Numbers that a projector moves. */
export const rowsOf = (params: Values): number => Object.values(params).reduce((rows, { data }) => rows + data.length, 0)

export const floats = (data: Float32Array, shape: readonly number[]): Value => ({ shape, dtype: 'float32', data })
export const integers = (data: Int32Array, shape: readonly number[] = [data.length]): Value => ({ shape, dtype: 'int32', data })

/** Numbers a stored matrix may have: 256 MB. */
const largest = 2 ** 26

/** Refuses a matrix that is too large to be stored. Errors: `OCK-MODEL-010`. */
export function checkStored(entries: number, name: string): void {
  if (entries <= largest) return
  throw new InputError({
    code: 'OCK-MODEL-010',
    what: `the projector '${name}' would hold ${entries.toExponential(2)} numbers, more than ${largest}`,
    where: 'model.projector',
    remedy: 'choose kronecker or fastfood, which store a few numbers a parameter, or a smaller dim',
  })
}
