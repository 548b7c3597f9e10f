import type { Tensor } from '@tensorflow/tfjs-core'
import type { HostKey } from './key.js'
import type { Input } from './model.js'
import type { Dtype, Json, Value, Values } from './value.js'

/** What a dataset is about. Open: a part may use a name of its own. */
export type Task = 'classification' | 'regression' | 'unlabelled' | (string & {})

/** What is known of text beside its rows. */
export interface TextMeta {
  /** Number of tokens: every id is below it. */
  readonly vocabulary: number
  /** The tokenizer as plain data, so that what was learnt can read and write text. */
  readonly tokenizer: Json
  /** Tokens that are predicted in each split, and the bytes of text that they stand for. */
  readonly sizes: Readonly<Record<string, { readonly tokens: number; readonly bytes: number }>>
}

/** What is known of a dataset without reading it. Plain data, so that it can be saved beside what was learnt. */
export interface DatasetMeta {
  readonly task: Task
  /** Class names in label order; absent where there are none. */
  readonly classes?: readonly string[]
  readonly groups?: readonly string[]
  /** Names of the numbers of `x`, where they have some. */
  readonly features?: readonly string[]
  /** Examples in each split. */
  readonly splits: Readonly<Record<string, number>>
  /** Shape and type of one example's fields, without the row axis: `x`, or `x.<name>` for models with several inputs, `y`, `group`. */
  readonly shapes: Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype: Dtype }>>
  /** Examples a class and a group in each split: `counts.train.class[c]`. */
  readonly counts?: Readonly<Record<string, { readonly class?: readonly number[]; readonly group?: readonly number[] }>>
  /** Of a dataset of text. */
  readonly text?: TextMeta
  /** SHA-256 of the content, hexadecimal. */
  readonly digest: string
  readonly licence: string
  /** What one example is, in the singular: `image`, `patient`. */
  readonly unit?: string
  /** Why examples are not independent draws, and what a number measured on them is about then; absent where they are. */
  readonly dependence?: string
}

/** An affine map of the inputs, (x − mean) / std, one number a channel or feature, or one for all. Fitted on training rows. */
export interface Scaling {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Examples with random access. Which rows are read, and when, is a {@link Sampler}'s business. */
export interface Dataset {
  readonly meta: DatasetMeta
  /** The fields of `rows` (int32 [n]) of a split, each [n, …]. With a key, augmented where the dataset augments. */
  read(split: string, rows: Value, key?: HostKey): Values | Promise<Values>
  /** The scaling applied to `x`; absent where inputs are raw. */
  readonly scaling?: Scaling
  /** Whether that scaling was fitted to training rows, which bounds from these rows pay for; absent where it was given. */
  readonly fitted?: boolean
  /** The same examples under another scaling: an auxiliary dataset takes the training set's, never its own. */
  rescaled?(scaling: Scaling | undefined): Dataset
  /** The split to use when the dataset serves another (as context, as out-of-distribution set); absent: the user's default. */
  readonly split?: string
  /** Labels that were standardised: a prediction y becomes y·std + mean in original units. */
  readonly target?: Scaling
}

/** Which rows a step sees: a pure function of its arguments, so that resuming is a number. */
export interface Sampler {
  /** int32 [size]; −1 marks padding of the last, short batch. */
  rows(meta: DatasetMeta, split: string, step: number, size: number, key: HostKey): Value
}

/** What a step sees. Static shapes: weight 0 marks padding. */
export interface Batch<X extends Input = Input> {
  readonly x: X
  /** Labels int32 [n], or targets float32 [n, D]. */
  readonly y: Tensor
  /** Float32 [n]. */
  readonly weight: Tensor
  readonly group?: Tensor
  /** Row numbers in the split, int32 [n]. */
  readonly index: Tensor
}
