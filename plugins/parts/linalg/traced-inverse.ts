import { RunError, type Engine, type Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { cholesky } from './cholesky.js'
import { logDeterminant } from './log-determinant.js'
import { matrix } from './matrix.js'

/** Rows of a leaf, which the runtime inverts whole; larger matrices are halved. */
const leaf = 64

/** Rows after padding: a leaf's rows doubled until they suffice, so that halves are whole numbers. */
export function paddedRows(n: number): number {
  let parts = 1
  while (n / parts > leaf) parts *= 2
  return Math.ceil(n / parts) * parts
}

/** A symmetric matrix by its quarters [[first, across], [acrossᵀ, second]], of equal size. */
export interface Quartered {
  readonly first: Tensor
  readonly across: Tensor
  readonly second: Tensor
}

/** The matrix whose quarters these are. */
export const joined = ({ first, across, second }: Quartered): Tensor =>
  tf.concat([tf.concat([first, across], 1), tf.concat([tf.transpose(across), second], 1)], 0)

/** The quarters of a symmetric matrix of even size. */
export function quartersOf(a: Tensor): Quartered {
  const m = a.shape[0] / 2
  return { first: block(a, 0, 0, m), across: block(a, 0, m, m), second: block(a, m, m, m) }
}

const block = (a: Tensor, top: number, left: number, m: number): Tensor => tf.slice(a, [top, left], [m, m])

/** A + diag(d), where there is a d. */
const ridged = (a: Tensor, d: Tensor | undefined): Tensor => (d ? a.add(tf.eye(a.shape[0]).mul(d.reshape([a.shape[0], 1]))) : a)

function inverted(engine: Engine, a: Tensor, d: Tensor | undefined, leaves: Tensor[]): Tensor {
  if (a.shape[0] > leaf) return joined(tracedInverse(engine, quartersOf(a), d, leaves))
  const full = ridged(a, d)
  leaves.push(full)
  const inverse = engine.inverse(full)
  // The runtime's inverse is symmetric up to rounding, and what is not symmetric would grow with every half by the condition number.
  return inverse.add(tf.transpose(inverse)).mul(0.5)
}

/**
 * Inside a traced function of double precision: the inverse of a symmetric positive definite A + diag(d) [n, n], n from {@link paddedRows}
 * and larger than a leaf, A by its quarters, by halves: S = A₂₂ − A₂₁ A₁₁⁻¹ A₁₂ is inverted after A₁₁. 4n³/3 operations, nearly all of them products. `leaves` gets the
 * blocks that are inverted whole, for {@link leavesDeterminant}. d is added in leaves alone, so that several matrices may share one A.
 */
export function tracedInverse(
  engine: Engine,
  { first, across, second: last }: Quartered,
  d: Tensor | undefined,
  leaves: Tensor[],
): Quartered {
  const m = first.shape[0]
  const part = (from: number): Tensor | undefined => d && tf.slice(d, [from], [m])
  const inverse = inverted(engine, first, part(0), leaves)
  const through = tf.matMul(inverse, across)
  const second = inverted(engine, last.sub(tf.matMul(across, through, true, false)), part(m), leaves)
  const back = tf.matMul(through, second)
  return { first: inverse.add(tf.matMul(back, through, false, true)), across: back.neg(), second }
}

/**
 * log det A from the leaves of {@link tracedInverse}, [count, m, m]: A is positive definite where all of them are.
 * Throws `OCK-LINALG-002` where one is not.
 */
export function leavesDeterminant(leaves: Value, where: string): number {
  const [count, m] = leaves.shape as [number, number]
  let sum = 0
  for (let k = 0; k < count; k++) {
    const data = (leaves.data as Float64Array).subarray(k * m * m, (k + 1) * m * m)
    sum += logDeterminant(cholesky(matrix([m, m], data), `${where}, rows from ${k * m}`))
  }
  return sum
}

/** Calls a program with a {@link tracedInverse} in it. Throws `OCK-LINALG-002` where the runtime could not invert a leaf, nor the host with jitter. */
export async function definite<T>(call: () => Promise<T>, where: string): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'OCK-ENGINE-020') throw cause
    const fault = { code: 'OCK-LINALG-002', what: 'the matrix is not positive definite', where }
    throw new RunError({ ...fault, remedy: 'check for NaN, duplicate rows or a missing noise term' }, { cause })
  }
}
