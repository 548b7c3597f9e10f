import type { Scalar, Tensor } from '@tensorflow/tfjs-core'
import type { HostKey, Key } from './key.js'
import type { Variables } from './model.js'
import type { Tensors, Value, Values } from './value.js'

/** How an argument looks inside a traced function: Values become Tensors, host keys become keys, numbers become scalars. */
export type Traced<A> = A extends Value
  ? Tensor
  : A extends HostKey
    ? Key
    : A extends number
      ? Scalar
      : A extends object
        ? { readonly [N in keyof A]: Traced<A[N]> }
        : A

/** How an argument of a traced function is given from outside: the inverse of {@link Traced}, so that `compile` infers it. */
export type Given<T> = T extends Scalar
  ? Value | number
  : T extends Tensor
    ? Value
    : T extends Key
      ? HostKey
      : T extends object
        ? { readonly [N in keyof T]: Given<T[N]> }
        : T

/** How a traced result looks outside. */
export type Settled<B> = B extends Tensor ? Value : B extends object ? { readonly [N in keyof B]: Settled<B[N]> } : B

export type Precision = 'float32' | 'float64'

/** A compiled function: an object with its own specialisations by argument shapes, freed by `dispose`. */
export interface Program<A, B> {
  (args: A): Promise<Settled<B>>
  /** How many specialisations it has compiled. */
  readonly compiled: number
  dispose(): void
}

/** What a traced loop step sees beside carry and feed. */
export interface Tick {
  readonly key: Key
  /** Number of this step, float32 scalar, exact to 2²⁴. */
  readonly step: Scalar
  readonly engine: Engine
}

/** One step of a fold: pure, traced. */
export type Advance = (carry: Tensors, feed: Tensors, tick: Tick) => { readonly carry: Tensors; readonly out?: Tensors }

/** A carry inside the engine: read when it is wanted, not at every call. */
export interface Carry {
  read(): Promise<Values>
}

/** A step compiled into a loop whose state stays in the engine. k steps a call give the bits of k calls. */
export interface Loop {
  /** Puts host values into the engine. */
  load(carry: Values): Carry
  /** Runs one step a feed, from step number `start`; `keys[i]` is the stream of step `start + i`. */
  advance(
    carry: Carry,
    start: number,
    feeds: readonly Values[],
    keys: readonly HostKey[],
  ): Promise<{ carry: Carry; outs: readonly Values[] }>
  /** Traces and compiles for these shapes; returns what a plan prints. Called by the first `advance` where nobody did. */
  prepare(carry: Values, feed: Values): Promise<LoopPlan>
  dispose(): void
}

/** What is known of a loop before it runs. */
export interface LoopPlan {
  /** Steps a call that the engine advises for these sizes; 1 where a host call interrupts the graph. */
  readonly stepsPerCall: number
  readonly nodes: number
  /** Tensors bound a call, inputs and outputs together. */
  readonly tensorsPerCall: number
  /** Bytes of carry, and of the feeds and draws of one step. */
  readonly carryBytes: number
  readonly feedBytes: number
  /** Estimate of the most bytes that a call of one step takes: results by when each is read last, and the carry before and after. */
  readonly peakBytes: number
}

/** Time that operations of one kind took. */
export interface Timing {
  readonly kind: string
  readonly calls: number
  readonly ms: number
}

/**
 * Functions made fast. The first group is called from the host, the second only inside a traced function
 * (elsewhere `OCK-ENGINE-008`). Every engine traces, so what runs on one runs on all.
 */
export interface Engine {
  readonly name: string
  /** Version, providers and thread count: part of a run's record, since bits depend on it. */
  readonly build: Readonly<Record<string, string | number>>
  /** `float64`: programs at double precision. `loop`: several steps a call. */
  readonly capabilities: ReadonlySet<string>
  /** Annotate what `fn` sees (`{ vars: Variables; x: Tensor; key: Key }`); what a call takes follows from it. */
  compile<A, B>(fn: (args: A) => B, options?: { readonly precision?: Precision }): Program<Given<A>, B>
  loop(advance: Advance, options?: { readonly precision?: Precision; readonly warn?: (message: string) => void }): Loop
  dispose(): Promise<void>
  /** What each kind of operation took so far, most first; present where the engine was told to time them. Asked once, at the end. */
  profile?(): Promise<readonly Timing[]>

  /** Value, gradient [as p] and whatever else the pass computed. Parameters that `fn` does not use get zeros. */
  valueAndGrad<A>(fn: (p: Tensors) => { readonly value: Scalar; readonly aux: A }, p: Tensors): { value: Scalar; grads: Tensors; aux: A }
  /** One forward pass; `pull(dy)` gives Jᵀdy and `push(v)` gives J v, and both may be asked again and again. */
  vjp<A>(
    fn: (p: Tensors) => { readonly y: Tensor; readonly aux: A },
    p: Tensors,
  ): { y: Tensor; aux: A; pull(dy: Tensor): Tensors; push(v: Tensors): Tensor }
  /** y, one tensor or several by name, and J v. Names that `v` lacks do not change. */
  jvp<Y extends Tensor | Tensors>(fn: (p: Tensors) => Y, p: Tensors, v: Tensors): { y: Y; dy: Y }
  /** Prints the value of `x` whenever the program has run, in loops for each step; returns `x`. */
  print<T extends Tensor>(name: string, x: T): T
  /** x as a constant of differentiation. */
  stop<T extends Tensor>(x: T): T
  /** Host values inside a traced function: bound by reference as inputs of the program, never copied into it. */
  capture<V extends Value | Values | Variables<Value>>(values: V): Traced<V>
  /**
   * Leaves the graph for float64 TypeScript and comes back with float32 tensors of the given shapes; no gradient.
   * `fn` gets float64 Values. A loop with a host call runs one step a call.
   */
  host(fn: (...inputs: Value[]) => readonly Value[], inputs: readonly Tensor[], shapes: readonly (readonly number[])[]): Tensor[]
  /** What `fn` computes is done in double precision where the engine can (`float64`), and comes back as float32. No gradient flows through. */
  double<T extends Tensor>(fn: () => T): T
  /**
   * Inverse of a symmetric positive definite matrix [n, n], in float64; no gradient. Where the result is not finite or
   * not positive on the diagonal, the step is done again on the host with growing jitter (×10 on the diagonal) and a warning.
   */
  inverse(a: Tensor): Tensor
}
