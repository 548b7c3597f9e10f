import { InputError, type Engine, type Program, type Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { choleskyJittered } from './cholesky.js'
import { inverseFactored } from './inverse.js'
import { logDeterminant } from './log-determinant.js'
import { doubles, matrix } from './matrix.js'
import { perEngine } from './per-engine.js'
import { definite, joined, leavesDeterminant, paddedRows, quartersOf, tracedInverse } from './traced-inverse.js'

/** Inverses of a stack of matrices and the logarithms of their determinants. */
export interface Inverted {
  /** [c, n, n]. */
  readonly inverse: Value
  /** [c]. */
  readonly logDeterminants: readonly number[]
}

/** Below this many rows the call costs more than the runtime gains. */
const small = 160

/** Whether the runtime gains on matrices of n rows. */
export const gains = (engine: Engine, n: number): boolean => n >= small && engine.capabilities.has('float64')

type Whole = Program<{ a: Value }, { inverse: Tensor; leaves: Tensor }>

const programs = perEngine((engine): Whole => {
  const whole = ({ a }: { a: Tensor }) => {
    const leaves: Tensor[] = []
    return { inverse: joined(tracedInverse(engine, quartersOf(a), undefined, leaves)), leaves: tf.stack(leaves) }
  }
  return engine.compile(whole, { precision: 'float64' })
})

/** A matrix [n, n] cut or padded; padding is the identity, which changes neither inverse nor determinant. */
function resized(from: Float64Array, n: number, to: number): Float64Array {
  if (n === to) return from
  const data = new Float64Array(to * to)
  const kept = Math.min(n, to)
  for (let i = 0; i < kept; i++) data.set(from.subarray(i * n, i * n + kept), i * to)
  for (let i = kept; i < to; i++) data[i * to + i] = 1
  return data
}

/** Inverse and log-determinant of one matrix, on the runtime or here. */
async function invert(engine: Engine, a: Float64Array, n: number): Promise<[inverse: Float64Array, logDeterminant: number]> {
  if (gains(engine, n)) {
    const to = paddedRows(n)
    const { inverse, leaves } = await definite(() => programs.of(engine)({ a: matrix([to, to], resized(a, n, to)) }), 'blockInverse')
    return [resized(inverse.data as Float64Array, to, n), leavesDeterminant(leaves, 'blockInverse')]
  }
  const { factor } = choleskyJittered(matrix([n, n], a), { attempts: 0, where: 'blockInverse' })
  return [inverseFactored(factor).data as Float64Array, logDeterminant(factor)]
}

/**
 * Inverses and determinants of symmetric positive definite matrices A [c, n, n] by recursive halving: 4n³/3 operations each, nearly all
 * of them float64 products in one call of the engine's runtime. The error grows with the condition number squared where a Cholesky factor's
 * grows with it once, so that a nearly singular matrix is refused rather than answered: then factor it. Engines without float64, and
 * small matrices, are served here. Throws `OCK-LINALG-002` where a matrix is not positive definite.
 */
export async function blockInverse(engine: Engine, a: Value): Promise<Inverted> {
  const [c, n, m] = a.shape
  if (a.shape.length !== 3 || n !== m)
    throw new InputError({
      code: 'OCK-LINALG-001',
      what: `a stack of square matrices [c, n, n] is needed, and the shape is [${a.shape.join(', ')}]`,
      where: 'blockInverse',
      remedy: 'check the shapes given',
    })
  const given = doubles(a)
  if (c === 1) {
    const [found, determinant] = await invert(engine, given, n!)
    return { inverse: matrix([1, n!, n!], found), logDeterminants: [determinant] }
  }
  const inverse = new Float64Array(c! * n! * n!)
  const logDeterminants: number[] = []
  for (let k = 0; k < c!; k++) {
    const [found, determinant] = await invert(engine, given.subarray(k * n! * n!, (k + 1) * n! * n!), n!)
    inverse.set(found, k * n! * n!)
    logDeterminants.push(determinant)
  }
  return { inverse: matrix([c!, n!, n!], inverse), logDeterminants }
}
