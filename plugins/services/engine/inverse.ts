import { RunError } from 'ockham'

/** Lower factor L of a = L Lᵀ from the lower triangle of a [n, n]; undefined where a is not positive definite. */
export function cholesky(a: Float64Array, n: number): Float64Array | undefined {
  const l = new Float64Array(n * n)
  for (let j = 0; j < n; j++) {
    let d = a[j * n + j]!
    for (let k = 0; k < j; k++) d -= l[j * n + k]! ** 2
    if (!(d > 0) || !Number.isFinite(d)) return undefined
    const pivot = Math.sqrt(d)
    l[j * n + j] = pivot
    for (let i = j + 1; i < n; i++) {
      let s = a[i * n + j]!
      for (let k = 0; k < j; k++) s -= l[i * n + k]! * l[j * n + k]!
      l[i * n + j] = s / pivot
    }
  }
  return l
}

/** L⁻¹ of a lower triangle, by columns. */
function lowerInverse(l: Float64Array, n: number): Float64Array {
  const m = new Float64Array(n * n)
  for (let j = 0; j < n; j++) {
    m[j * n + j] = 1 / l[j * n + j]!
    for (let i = j + 1; i < n; i++) {
      let s = 0
      for (let k = j; k < i; k++) s -= l[i * n + k]! * m[k * n + j]!
      m[i * n + j] = s / l[i * n + i]!
    }
  }
  return m
}

/** L⁻ᵀ L⁻¹, summed row by row of L⁻¹. */
function product(m: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n)
  for (let k = 0; k < n; k++) {
    for (let i = 0; i <= k; i++) {
      const w = m[k * n + i]!
      for (let j = 0; j <= i; j++) inverse[i * n + j]! += w * m[k * n + j]!
    }
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) inverse[j * n + i] = inverse[i * n + j]!
  return inverse
}

const smallest = 1e-10
const largest = 1e-2

/**
 * Inverse of a symmetric positive definite matrix [n, n] by its Cholesky factor, float64; the lower triangle is read.
 * Where that fails, jitter is added to the diagonal: 1e-10 of its mean, then ten times more until it works, with a
 * warning. Errors: `OCK-ENGINE-020` where 1e-2 of the mean does not help either.
 */
export function inverseSpd(a: Float64Array, n: number, warn: (message: string) => void): Float64Array {
  const plain = inverted(a, n, 0)
  if (plain) return plain
  let mean = 0
  for (let i = 0; i < n; i++) mean += Math.abs(a[i * n + i]!) / n
  for (let jitter = smallest; jitter <= largest * 1.01; jitter *= 10) {
    const inverse = inverted(a, n, jitter * mean)
    if (!inverse) continue
    warn(`a matrix [${n}, ${n}] was not positive definite; inverted with jitter ${(jitter * mean).toExponential(1)} on its diagonal`)
    return inverse
  }
  throw new RunError({
    code: 'OCK-ENGINE-020',
    what: `a matrix [${n}, ${n}] is not positive definite, even with jitter ${(largest * mean).toExponential(1)} on its diagonal`,
    remedy: 'check its entries: it may hold NaN, or have a large negative eigenvalue',
  })
}

function inverted(a: Float64Array, n: number, jitter: number): Float64Array | undefined {
  const raised = jitter === 0 ? a : a.map((x, i) => (i % (n + 1) === 0 ? x + jitter : x))
  const l = cholesky(raised, n)
  if (!l) return undefined
  const inverse = product(lowerInverse(l, n), n)
  return inverse.every(Number.isFinite) ? inverse : undefined
}
