import { RunError } from 'ockham'

const epsilon = 2 ** -52
/** Sweeps an eigenvalue, of which two are usual. */
const most = 60

/** The first place from l on where what is beside the diagonal is below `least`: there the matrix falls apart. */
function split(e: Float64Array, l: number, least: number): number {
  let m = l
  while (m < e.length - 1 && Math.abs(e[m]!) > least) m++
  return m
}

/** Rows i and i + 1 of z [n, n] turned. */
function turn(z: Float64Array, n: number, i: number, s: number, c: number): void {
  const x = z.subarray(i * n, i * n + n)
  const y = z.subarray(i * n + n, i * n + 2 * n)
  for (let k = 0; k < n; k++) {
    const xk = x[k]!
    const yk = y[k]!
    y[k] = s * xk + c * yk
    x[k] = c * xk - s * yk
  }
}

/** One sweep between l and m, by the shift of Wilkinson; Golub and Van Loan, 8.3.5. */
function sweep(d: Float64Array, e: Float64Array, z: Float64Array, l: number, m: number): void {
  const n = d.length
  const ratio = (d[l + 1]! - d[l]!) / (2 * e[l]!)
  let g = d[m]! - d[l]! + e[l]! / (ratio + Math.sign(ratio || 1) * Math.hypot(ratio, 1))
  let [s, c, p] = [1, 1, 0]
  for (let i = m - 1; i >= l; i--) {
    const [f, b] = [s * e[i]!, c * e[i]!]
    const r = Math.hypot(f, g)
    e[i + 1] = r
    if (r === 0) {
      // The matrix falls apart here: the rest of the sweep is another's.
      d[i + 1]! -= p
      e[m] = 0
      return
    }
    s = f / r
    c = g / r
    g = d[i + 1]! - p
    const q = (d[i]! - g) * s + 2 * c * b
    p = s * q
    d[i + 1] = g + p
    g = c * q - b
    turn(z, n, i, s, c)
  }
  d[l]! -= p
  e[l] = g
  e[m] = 0
}

/**
 * Eigenvalues of a symmetric tridiagonal matrix in place of its diagonal d [n], by implicit QL; e [n] is beside it, its last 0, and is lost. Row i of z
 * [n, n], the columns of an orthonormal Q, becomes the eigenvector of d_i of Q T Qᵀ. Throws `OCK-LINALG-003` where it does not end.
 */
export function implicitQl(d: Float64Array, e: Float64Array, z: Float64Array): void {
  // A share of the whole, not of the neighbours: where eigenvalues are rounding alone, as in matrices of low rank, neighbours are no measure.
  let least = 0
  for (let i = 0; i < d.length; i++) least = Math.max(least, epsilon * (Math.abs(d[i]!) + Math.abs(e[i]!)))
  for (let l = 0; l < d.length; l++) {
    let m = split(e, l, least)
    for (let round = 0; m > l; round++) {
      if (round === most)
        throw new RunError({ code: 'OCK-LINALG-003', what: `eigenvalue ${l} is not found in ${most} sweeps`, where: 'eigenSymmetric' })
      sweep(d, e, z, l, m)
      m = split(e, l, least)
    }
  }
}
