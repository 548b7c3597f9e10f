import type { Tensor } from '@tensorflow/tfjs-core'
import type { HostKey } from './key.js'
import type { Variables } from './model.js'
import type { Json, Value, Values } from './value.js'

/** A predictive distribution. `members` keeps the samples it was averaged from, [S, n, …]; of normal ones their means, with `memberVariance` beside. */
export type Prediction<T = Value> =
  /** Probabilities [n, C], rows sum to one. */
  | { readonly kind: 'categorical'; readonly probabilities: T; readonly members?: T }
  /** Mean and total variance [n, D]; `noise` [n, D] is the aleatoric part of the variance. */
  | {
      readonly kind: 'normal'
      readonly mean: T
      readonly variance: T
      readonly noise?: T
      readonly members?: T
      readonly memberVariance?: T
    }

/** What `save` gives and `restore` takes: plain data without time, path or identity. */
export interface Saved {
  readonly kind: string
  readonly values: Values
  readonly meta: Json
}

/** A posterior's description as bits, for compression bounds. */
export interface Message {
  readonly bytes: Uint8Array
  readonly bits: number
  /** Bits by part, as they are written (`corrected`) and as other accounts have them. */
  readonly lengths?: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** What a decoder needs beside the bytes, with digests. */
  readonly side: Readonly<Record<string, string>>
  /** Rows of the training split that nothing of what the decoder knows beforehand was learnt from; all of them unless given. */
  readonly rows?: Int32Array
  decode(bytes: Uint8Array): Promise<Posterior>
}

/** What was learnt. Optional members are present where the posterior has them; components that need one say so in `requires`. */
export interface Posterior {
  /** The predictive distribution at inputs `x` (`{ x }` or `{ 'x.<name>': … }`), in batches of any length. */
  predict(x: Values, options?: { readonly samples?: number; readonly key?: HostKey }): Promise<Prediction>
  /** Absent where the posterior is not over parameters. */
  readonly weights?: { point(): Variables<Value>; sample(key: HostKey): Promise<Variables<Value>> }
  readonly gaussian?: { readonly mean: Values; readonly precision: Values }
  /** Log marginal likelihood, nats. */
  readonly evidence?: number
  readonly message?: Message
  /** Where `predict` changes on the host what each member of another posterior predicts: the same change, traced, so that it can be exported. */
  readonly finish?: (member: Prediction<Tensor>) => Prediction<Tensor>
  save(): Saved
}
