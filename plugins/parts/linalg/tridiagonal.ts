/** Qᵀ A Q = T with Q = H_0 H_1 …, H_k = 1 − τ_k v_k v_kᵀ. */
export interface Tridiagonal {
  /** Diagonal [n] and what is beside it [n], the last of which is 0. */
  readonly diagonal: Float64Array
  readonly beside: Float64Array
  /** v_k in row k from column k + 1 on, [n, n]. */
  readonly reflectors: Float64Array
  readonly taus: Float64Array
}

/** p = τ A v and the vector w = p − ½ τ (pᵀ v) v of the update A − v wᵀ − w vᵀ, of rows and columns after k; reads on and above the diagonal. */
function update(a: Float64Array, n: number, k: number, v: Float64Array, tau: number, p: Float64Array): void {
  p.fill(0)
  for (let i = k + 1; i < n; i++) {
    const row = a.subarray(i * n, i * n + n)
    const vi = v[i]!
    let sum = row[i]! * vi
    for (let j = i + 1; j < n; j++) {
      const x = row[j]!
      sum += x * v[j]!
      p[j]! += x * vi
    }
    p[i]! += sum
  }
  let dot = 0
  for (let i = k + 1; i < n; i++) dot += (p[i]! *= tau) * v[i]!
  for (let i = k + 1; i < n; i++) p[i]! -= 0.5 * tau * dot * v[i]!
}

/** Householder's reduction of a symmetric A [n, n], which is overwritten; row by row, since memory is read by rows. Golub and Van Loan, 8.3.1. */
export function tridiagonal(a: Float64Array, n: number): Tridiagonal {
  const [diagonal, beside, taus, w] = [new Float64Array(n), new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  for (let k = 0; k < n - 1; k++) {
    const v = a.subarray(k * n, k * n + n)
    diagonal[k] = v[k]!
    let rest = 0
    for (let j = k + 2; j < n; j++) rest += v[j]! * v[j]!
    const first = v[k + 1]!
    beside[k] = first
    if (rest === 0) continue
    const norm = Math.sqrt(first * first + rest)
    const to = first > 0 ? -norm : norm
    beside[k] = to
    const tau = (to - first) / to
    for (let j = k + 2; j < n; j++) v[j]! /= first - to
    v[k + 1] = 1
    taus[k] = tau
    update(a, n, k, v, tau, w)
    for (let i = k + 1; i < n; i++) {
      const row = a.subarray(i * n, i * n + n)
      const vi = v[i]!
      const wi = w[i]!
      for (let j = i; j < n; j++) row[j]! -= vi * w[j]! + wi * v[j]!
    }
  }
  diagonal[n - 1] = a[n * n - 1]!
  return { diagonal, beside, reflectors: a, taus }
}

/** Columns of Q as rows [n, n]. */
export function columnsOf({ reflectors, taus }: Tridiagonal): Float64Array {
  const n = taus.length
  const rows = new Float64Array(n * n)
  for (let i = 0; i < n; i++) rows[i * n + i] = 1
  for (let k = n - 2; k >= 0; k--) {
    const tau = taus[k]!
    if (tau === 0) continue
    const v = reflectors.subarray(k * n, k * n + n)
    // Rows up to k have nothing yet where v has something.
    for (let i = k + 1; i < n; i++) {
      const row = rows.subarray(i * n, i * n + n)
      let s = 0
      for (let j = k + 1; j < n; j++) s += v[j]! * row[j]!
      s *= tau
      for (let j = k + 1; j < n; j++) row[j]! -= s * v[j]!
    }
  }
  return rows
}
