import type { Dtype, Precision, Value } from 'ockham'

/** Where a program's input comes from at each call. */
export type Source =
  /** A leaf of the arguments of `compile`, by path (`vars.params.w`). */
  | { readonly kind: 'argument'; readonly path: string }
  /** Loop state and the feed of a step, by name. */
  | { readonly kind: 'carry'; readonly name: string }
  | { readonly kind: 'feed'; readonly name: string }
  /** The number of the step, float32 scalar. */
  | { readonly kind: 'step' }
  /** A host value bound by reference, the same at every call. */
  | { readonly kind: 'capture'; readonly value: Value }
  /** A draw: the host fills it from the key argument at `key` ('' in a loop) folded along `path`. */
  | { readonly kind: 'draw'; readonly key: string; readonly path: readonly (string | number)[]; readonly draw: Draw }
  /** In a segmented plan: result `index` of another node, computed before. */
  | { readonly kind: 'value'; readonly ref: Ref }

export type Draw =
  | { readonly of: 'normal' | 'uniform'; readonly shape: readonly number[] }
  | { readonly of: 'bernoulli'; readonly p: number; readonly shape: readonly number[] }
  | { readonly of: 'integers'; readonly below: number; readonly shape: readonly number[] }
  | { readonly of: 'permutation'; readonly n: number }

/** Shape and type of one result. Types are tfjs' (`float32` also stands for what a float64 program holds). */
export interface Slot {
  readonly shape: readonly number[]
  readonly dtype: Exclude<Dtype, 'float64'>
}

/** Result `index` of a node. */
export interface Ref {
  readonly node: Node
  readonly index: number
}

/**
 * One operation. `op` is a tfjs kernel name (`BatchMatMul`, `Add`, …) or one of ours: `Input`, `Constant`, `Inverse`, `Host`.
 */
export interface Node {
  readonly id: number
  readonly op: string
  readonly inputs: readonly Ref[]
  readonly attrs: Readonly<Record<string, unknown>>
  readonly outputs: readonly Slot[]
  /** `float64` inside `engine.double` and in float64 programs. */
  readonly precision: Precision
  /** Op `Input`. */
  readonly source?: Source
  /** Op `Constant`. */
  readonly value?: Value
  /** Op `Host`. */
  readonly host?: (...inputs: Value[]) => readonly Value[]
  /** Where the user's code made it. */
  readonly line?: string
}

/** A traced function: nodes in topological order, dead code removed, equal sub-expressions merged. */
export interface Graph {
  readonly nodes: readonly Node[]
  /** The `Input` nodes, in order. */
  readonly inputs: readonly Node[]
  readonly outputs: readonly { readonly name: string; readonly ref: Ref }[]
}

export const slotOf = (ref: Ref): Slot => ref.node.outputs[ref.index]!
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
