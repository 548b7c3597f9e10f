import type { Tensor } from '@tensorflow/tfjs-core'

/** Element types of a {@link Value}. float64 exists on the host and in float64 programs; tfjs itself has none. */
export type Dtype = 'float32' | 'float64' | 'int32' | 'bool'

/** The typed array that carries each {@link Dtype}; bool is one byte an element, 0 or 1. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array

/** A host array: what is saved, exchanged and returned. Row-major; owned by nobody, never disposed. */
export interface Value {
  readonly shape: readonly number[]
  readonly dtype: Dtype
  readonly data: TypedArray
}

/** Named host arrays. Names are flat: `block0.attn.q.kernel`. */
export type Values = Readonly<Record<string, Value>>

/** Named tensors; they exist only inside a function given to the engine ("traced"). */
export type Tensors = Readonly<Record<string, Tensor>>

/** What JSON can hold: meta-data that is saved beside Values. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
