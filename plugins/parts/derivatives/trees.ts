import type { Tensors } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'

/** Σ ⟨a, b⟩ over the names of `b`; names that `a` lacks count as zero. */
export function dot(a: Tensors, b: Tensors): Scalar {
  const terms = Object.keys(b).flatMap((name) => (a[name] ? [a[name].mul(b[name]!).sum<Scalar>()] : []))
  return terms.length > 0 ? tf.addN(terms) : tf.scalar(0)
}

/** a + b for entries of the same name. */
export const add = (a: Tensors, b: Tensors): Tensors => Object.fromEntries(Object.entries(a).map(([name, x]) => [name, x.add(b[name]!)]))

/** c · a. */
export const scale = (a: Tensors, c: Scalar | number): Tensors => Object.fromEntries(Object.entries(a).map(([name, x]) => [name, x.mul(c)]))
