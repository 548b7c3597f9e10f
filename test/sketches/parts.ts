/*
 * What the sketches compose with. The parts that exist are the real ones, so that a sketch and a part cannot drift apart;
 * the rest is declared, with the types it would have.
 */
import type { Engine, HostKey, Input, Model, Net, Process, Tensors, Value, Values } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'

export * from '../../plugins/parts/training/index.js'
export { bind, parametric } from '../../plugins/parts/networks/index.js'
export { cholesky, eigenSymmetric, inverseFactored, logDeterminant, matrix, solveFactored } from '../../plugins/parts/linalg/index.js'

/** Rows of an input from `start` on. */
export declare const tail: <X extends Input>(x: X, start: number) => X

/** The names l of the parameters `l.kernel`: layers that announce `l.in` and `l.out`. */
export declare const linearLayers: (params: Readonly<Record<string, unknown>>) => readonly string[]

/** Zeros at each `<layer>.out` for n rows: added there by {@link probed}, so that their gradient is that of the layer's output. */
export declare const zeroProbes: (net: Net, layers: readonly string[], rows: number) => Tensors

/** The observer that adds probes where there are some. */
export const probed =
  (probes: Tensors) =>
  (point: string, h: Tensor): Tensor =>
    probes[point] ? h.add(probes[point]) : h

/** J of the outputs in all kernels, [n·C, P]: one pull an output, then outer products of `<layer>.in` with the pulled `<layer>.out`. */
export const jacobian = (engine: Engine, net: Net, x: Input, rows: number): Tensor => {
  const layers = linearLayers(net.vars.params)
  const { y, aux, pull } = engine.vjp(
    (probes) => ({ y: net(x, { at: probed(probes) }), aux: net.points(x, inputsTo(layers)) }),
    zeroProbes(net, layers, rows),
  )
  const outputs = y.shape[1] ?? 1
  return outerRows(
    layers,
    aux,
    Array.from({ length: outputs }, (_, c) => pull(column(y, c))),
  )
}

export const inputsTo = (layers: readonly string[]): string[] => layers.map((layer) => `${layer}.in`)

/** Ones in column c of an array like y [n, C], zeros elsewhere. */
export declare const column: (y: Tensor, c: number) => Tensor
export declare const outerRows: (layers: readonly string[], inputs: Tensors, pulled: readonly Tensors[]) => Tensor

/** Rows drawn with the given weights and replacement, int32 [size]. */
export declare const drawn: (weights: ArrayLike<number>, size: number, key: HostKey) => Value

/** A random linear map of few numbers to many. */
export interface Projector {
  init(key: HostKey, rows: number, dim: number): Values
  /** P w, [rows]. */
  up(fixed: Tensors, w: Tensor): Tensor
}

/** Vectors as messages: each entry the number of a codebook's value, entropy-coded with whole-number arithmetic. */
export declare const coder: {
  codebook(w: Value, levels: number): Value
  /** Number of the nearest entry of the codebook, int32 [d]. */
  nearest(w: Tensor, codebook: Tensor): Tensor
  encode(w: Value, codebook: Value): Uint8Array
  decode(bytes: Uint8Array): { readonly w: Value; readonly bits: number }
}

/** Tensors end to end, [P]. */
export const flat = (a: Tensors): Tensor => tf.concat(Object.values(a).map((t) => t.flatten()))

/** Unit vectors of the space that `like` spans, shaped like it. */
export declare const units: (like: Tensors) => readonly Tensors[]

/** Gradient [P] and Hessian [P, P], a column a directional derivative of the gradient. */
export const derivatives = (
  engine: Engine,
  f: (p: Tensors) => Scalar,
  at: Tensors,
): { readonly gradient: Tensor; readonly hessian: Tensor } => {
  const gradient = (p: Tensors): Tensor => flat(engine.valueAndGrad((q) => ({ value: f(q), aux: null }), p).grads)
  return { gradient: gradient(at), hessian: tf.stack(units(at).map((v) => engine.jvp(gradient, at, v).dy)) }
}

/** 0 … n − 1, int32 [n]. */
export declare const everyRow: (n: number) => Value

/** Narrows a problem's model to a process. */
export declare const processOf: (model: Model | Process) => Process

/** A covariance function with hyper-parameters; squared-exponential in the metric P diag(ℓ⁻²) Pᵀ + diag(λ⁻²), say. */
export interface Kernel {
  init(key: HostKey): Values
  of(hyper: Values, a: Value, b: Value): Value
  /** Its diagonal where a is b [n]. */
  diagonal(hyper: Values, x: Value): Value
  /** dL/dK [n, n] → dL/dhyper. */
  pull(hyper: Values, x: Value, dK: Value): Values
}
