import { type Engine, type Program, RunError, type Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { choleskyJittered } from './cholesky.js'
import { inverseFactored } from './inverse.js'
import { logDeterminant } from './log-determinant.js'
import { matrix } from './matrix.js'

/** Inverses of a stack of matrices and the logarithms of their determinants. */
export interface Inverted {
  /** [c, n, n]. */
  readonly inverse: Value
  /** [c]. */
  readonly logDeterminants: readonly number[]
}

/** Rows of a leaf, which is inverted here; larger ones are halved, and the halves meet in products on the runtime. */
const leaf = 72
/** Below this many rows the calls cost more than the runtime gains. */
const small = 160

interface Halves {
  readonly front: Program<{ a: Value; inverse: Value }, { through: Tensor; schur: Tensor }>
  readonly back: Program<{ inverse: Value; through: Value; schur: Value }, { whole: Tensor }>
}

/** Schur's complement of the first half, S = A₂₂ − A₂₁ A₁₁⁻¹ A₁₂, and T = A₁₁⁻¹ A₁₂. */
function front({ a, inverse }: { a: Tensor; inverse: Tensor }): { through: Tensor; schur: Tensor } {
  const [c, n] = a.shape as [number, number]
  const m = n / 2
  const across = tf.slice(a, [0, 0, m], [c, m, m])
  const through = tf.matMul(inverse, across)
  return { through, schur: tf.slice(a, [0, m, m], [c, m, m]).sub(tf.matMul(across, through, true, false)) }
}

/** The whole inverse [[A₁₁⁻¹ + T S⁻¹ Tᵀ, −T S⁻¹], [−S⁻¹ Tᵀ, S⁻¹]]. */
function back({ inverse, through, schur }: { inverse: Tensor; through: Tensor; schur: Tensor }): { whole: Tensor } {
  const corner = tf.matMul(through, schur).neg()
  const top = tf.concat([inverse.sub(tf.matMul(corner, through, false, true)), corner], 2)
  return { whole: tf.concat([top, tf.concat([tf.transpose(corner, [0, 2, 1]), schur], 2)], 1) }
}

const compiled = new WeakMap<Engine, Halves>()

function halvesOf(engine: Engine): Halves {
  const found = compiled.get(engine)
  if (found) return found
  const made = { front: engine.compile(front, { precision: 'float64' }), back: engine.compile(back, { precision: 'float64' }) }
  compiled.set(engine, made)
  return made
}

/** Matrix `k` of a stack, not copied. */
const plane = (a: Value, k: number): Value => {
  const n = a.shape[1]!
  return matrix([n, n], (a.data as Float64Array).subarray(k * n * n, (k + 1) * n * n))
}

function invertLeaf(a: Value): Inverted {
  const [c, n] = a.shape as [number, number]
  const inverse = new Float64Array(c * n * n)
  const logDeterminants = Array.from({ length: c }, (_, k) => {
    const { factor } = choleskyJittered(plane(a, k), { attempts: 0, where: 'blockInverse' })
    inverse.set(inverseFactored(factor).data, k * n * n)
    return logDeterminant(factor)
  })
  return { inverse: matrix([c, n, n], inverse), logDeterminants }
}

async function invertHalves(a: Value, halves: Halves): Promise<Inverted> {
  const [c, n] = a.shape as [number, number]
  if (n <= leaf || n % 2 === 1) return invertLeaf(a)
  const m = n / 2
  const from = a.data as Float64Array
  const first = new Float64Array(c * m * m)
  for (let k = 0; k < c; k++) for (let i = 0; i < m; i++) first.set(from.subarray((k * n + i) * n, (k * n + i) * n + m), (k * m + i) * m)
  const one = await invertHalves(matrix([c, m, m], first), halves)
  const { through, schur } = await halves.front({ a, inverse: one.inverse })
  const two = await invertHalves(schur, halves)
  const { whole } = await halves.back({ inverse: one.inverse, through, schur: two.inverse })
  return { inverse: whole, logDeterminants: one.logDeterminants.map((l, k) => l + two.logDeterminants[k]!) }
}

/** Rows after padding: a leaf's rows doubled until they suffice. */
function padded(n: number): number {
  let parts = 1
  while (n / parts > leaf) parts *= 2
  return Math.ceil(n / parts) * parts
}

/** A stack cut or padded to [c, to, to]; padding is the identity, which changes neither inverse nor determinant. */
function resized(a: Value, to: number): Value {
  const [c, n] = a.shape as [number, number]
  if (n === to) return a
  const from = a.data as Float64Array
  const data = new Float64Array(c * to * to)
  const kept = Math.min(n, to)
  for (let k = 0; k < c; k++) {
    for (let i = 0; i < kept; i++) data.set(from.subarray((k * n + i) * n, (k * n + i) * n + kept), (k * to + i) * to)
    for (let i = kept; i < to; i++) data[(k * to + i) * to + i] = 1
  }
  return matrix([c, to, to], data)
}

/** Whether the runtime gains on matrices of n rows. */
export const gains = (engine: Engine, n: number): boolean => n >= small && engine.capabilities.has('float64')

/**
 * Inverses and determinants of symmetric positive definite matrices A [c, n, n] by recursive halving: 4n³/3 operations each, nearly all
 * of them float64 products on the engine's runtime. The error grows with the condition number squared where a Cholesky factor's
 * grows with it once, so that a nearly singular matrix is refused rather than answered: then factor it. Engines without float64, and
 * small matrices, are served here. Throws `OCK-LINALG-002` where a matrix is not positive definite.
 */
export async function blockInverse(engine: Engine, a: Value): Promise<Inverted> {
  const [c, n, m] = a.shape
  if (a.shape.length !== 3 || n !== m || a.dtype !== 'float64')
    throw new RunError({
      code: 'OCK-LINALG-001',
      what: `float64 [c, n, n] is needed, and this is ${a.dtype} [${a.shape.join(', ')}]`,
      where: 'blockInverse',
    })
  if (!gains(engine, n!) || c === 0) return invertLeaf(a)
  const { inverse, logDeterminants } = await invertHalves(resized(a, padded(n!)), halvesOf(engine))
  return { inverse: resized(inverse, n!), logDeterminants }
}
