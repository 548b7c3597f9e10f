import { RunError, type Value } from 'ockham'
import { addProduct, dot } from './kernel.js'
import { doubles, sizeOf } from './matrix.js'

/** Width of the panels: three of them fit the first cache together. */
const width = 48

/** The lower factor written over `l` [n, n]; returns the pivot that failed, or −1. */
function factorInPlace(l: Float64Array, n: number): number {
  const block = (i: number, j: number) => ({ data: l, at: i * n + j, stride: n })
  for (let start = 0; start < n; start += width) {
    const w = Math.min(width, n - start)
    const end = start + w
    for (let i = start; i < n; i++) {
      const row = i * n + start
      const stop = Math.min(i, end)
      for (let j = start; j < stop; j++) l[i * n + j] = (l[i * n + j]! - dot(l, row, l, j * n + start, j - start)) / l[j * n + j]!
      if (i >= end) continue
      const pivot = l[i * n + i]! - dot(l, row, l, row, i - start)
      if (!(pivot > 0) || pivot === Infinity) return i
      l[i * n + i] = Math.sqrt(pivot)
    }
    // What is right of the panel loses the panel's share, a band of rows at a time; only the lower triangle is wanted.
    for (let i = end; i < n; i += width) {
      const rows = Math.min(width, n - i)
      for (let j = end; j < i; j += width) addProduct(block(i, j), block(i, start), block(j, start), rows, width, w, -1)
      addProduct(block(i, i), block(i, start), block(i, start), rows, rows, w, -1, true)
    }
  }
  for (let i = 0; i < n; i++) l.fill(0, i * n + i + 1, (i + 1) * n)
  return -1
}

const notDefinite = (n: number, pivot: number, jitter: number, where: string): RunError =>
  new RunError({
    code: 'OCK-LINALG-002',
    what: `the matrix [${n}, ${n}] is not positive definite: pivot ${pivot} (counted from 0) is not a positive number${jitter > 0 ? `, even with ${jitter} added to the diagonal` : ''}`,
    where,
    remedy: 'check for NaN, duplicate rows or a missing noise term; choleskyJittered adds to the diagonal',
  })

/**
 * L, lower triangular with A = L Lᵀ, of a symmetric positive definite A [n, n]; only A's lower triangle is read.
 * n³/3 multiply-adds in float64. Throws `OCK-LINALG-001` for a shape and `OCK-LINALG-002`, which names the pivot, where A is not
 * positive definite.
 */
export function cholesky(a: Value, where = 'cholesky'): Value {
  const n = sizeOf(a, where)
  const l = Float64Array.from(doubles(a))
  const pivot = factorInPlace(l, n)
  if (pivot >= 0) throw notDefinite(n, pivot, 0, where)
  return { shape: [n, n], dtype: 'float64', data: l }
}

/** A factor and what was added to the diagonal to get it. */
export interface Jittered {
  readonly factor: Value
  /** 0 where nothing was needed. */
  readonly jitter: number
}

interface Jittering {
  readonly start?: number
  readonly attempts?: number
  readonly where?: string
}

/**
 * The factor of A + jitter · I with the least jitter of 0, s, 10 s, 100 s, …, where s = `start` times the mean absolute diagonal.
 * Throws `OCK-LINALG-002` where `attempts` jitters do not help.
 */
export function choleskyJittered(a: Value, options: Jittering = {}): Jittered {
  const n = sizeOf(a, options.where ?? 'cholesky')
  const given = doubles(a)
  return factorMade(n, () => Float64Array.from(given), options)
}

/**
 * The same for an A [n, n] that `made` gives anew for every attempt, its lower triangle at least: the factor is written over it, so that
 * no second matrix is held.
 */
export function factorMade(
  n: number,
  made: () => Float64Array,
  { start = 1e-10, attempts = 9, where = 'cholesky' }: Jittering = {},
): Jittered {
  let [pivot, jitter, mean] = [-1, 0, NaN]
  for (let attempt = 0; attempt <= attempts; attempt++) {
    const l = made()
    if (attempt === 0) {
      mean = 0
      for (let i = 0; i < n; i++) mean += Math.abs(l[i * n + i]!) / n
    }
    jitter = attempt === 0 ? 0 : attempt === 1 ? start * (mean || 1) : jitter * 10
    for (let i = 0; i < n; i++) l[i * n + i]! += jitter
    pivot = factorInPlace(l, n)
    if (pivot < 0) return { factor: { shape: [n, n], dtype: 'float64', data: l }, jitter }
    if (Number.isNaN(mean)) break
  }
  throw notDefinite(n, pivot, jitter, where)
}
