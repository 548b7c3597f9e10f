import type { Dtype, Tensors, Value, Values, Variables } from 'ockham'
import { tf, type GradSaveFunc, type Scalar, type Tensor } from 'ockham/tensor'

type Tree<T> = Readonly<Record<string, T>>

/** f of every entry. */
export const map = <T, U = T>(a: Tree<T>, f: (x: T, name: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(a).map(([name, x]) => [name, f(x, name)]))

/** f of every number, float32. `Float32Array.from` with a function goes through an array of objects, which takes eleven million weights seven seconds. */
export function floats(data: ArrayLike<number>, f: (x: number, i: number) => number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(data.length)
  for (let i = 0; i < out.length; i++) out[i] = f(data[i]!, i)
  return out
}

/** f of entries of the same name; `b` may have more. */
export const zip = <T, S = T, U = T>(a: Tree<T>, b: Tree<S>, f: (x: T, y: S, name: string) => U): Record<string, U> =>
  map(a, (x, name) => f(x, b[name]!, name))

/** The tree with `p` before every name. */
export const prefix = <T>(p: string, a: Tree<T>): Record<string, T> =>
  Object.fromEntries(Object.entries(a).map(([name, x]) => [p + name, x]))

/** The entries whose names start with `p`, without it. */
export const under = <T>(p: string, a: Tree<T>): Record<string, T> =>
  Object.fromEntries(Object.entries(a).flatMap(([name, x]) => (name.startsWith(p) ? [[name.slice(p.length), x]] : [])))

/** Moves the params for which `learnt` is false to frozen. */
export const split = <T>(vars: Variables<T>, learnt: (name: string) => boolean): Variables<T> => {
  const of = (keep: boolean): Record<string, T> => Object.fromEntries(Object.entries(vars.params).filter(([name]) => learnt(name) === keep))
  return { params: of(true), frozen: { ...of(false), ...vars.frozen }, state: vars.state }
}

/** ½ Σ x², with x itself as its gradient: one pass over x where autodiff would take three. */
export const halfSquares = (x: Tensor): Scalar =>
  tf.customGrad((t: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const input = t as Tensor
    ;(save as GradSaveFunc)([input])
    const row = input.reshape([1, -1])
    // A product reads x once, where square and sum write a copy in between.
    const squares = row.matMul(row, false, true).reshape([])
    return { value: squares.mul(0.5), gradFunc: (dy: Tensor, saved: Tensor[]) => saved[0]!.mul(dy) }
  })(x) as Scalar

/** Σ x² over all entries of a tree. */
export const sumSquares = (a: Tensors): Scalar => {
  const terms = Object.values(a).map((x) => halfSquares(x))
  return terms.length > 0 ? tf.addN(terms).mul<Scalar>(2) : tf.scalar(0)
}

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const

/** A host array from numbers; the shape is that of a vector unless given. */
export const value = (data: ArrayLike<number>, shape: readonly number[] = [data.length], dtype: Dtype = 'float32'): Value => ({
  shape,
  dtype,
  data: arrays[dtype].from(data),
})

/** A host array of zeros. */
export const zeros = (shape: readonly number[], dtype: Dtype = 'float32'): Value => ({
  shape,
  dtype,
  data: new arrays[dtype](shape.reduce((a, b) => a * b, 1)),
})

/** Arrays of the shapes of `a`, filled. */
export const like = (a: Values, fill = 0): Record<string, Value> =>
  map(a, ({ shape, dtype, data }) => ({ shape, dtype, data: new arrays[dtype](data.length).fill(fill) }))

/** Arrays equal to those of `a` that share no memory with them. */
export const copy = (a: Values): Record<string, Value> => map(a, (v) => ({ ...v, data: v.data.slice() }))

/** Variables as one tree: `params.*`, `frozen.*`, `state.*`. */
export const flatten = <T>(vars: Variables<T>): Record<string, T> => ({
  ...prefix('params.', vars.params),
  ...prefix('frozen.', vars.frozen),
  ...prefix('state.', vars.state),
})

/** The inverse of {@link flatten}; other names are left out. */
export const unflatten = <T>(tree: Tree<T>): Variables<T> => ({
  params: under('params.', tree),
  frozen: under('frozen.', tree),
  state: under('state.', tree),
})
