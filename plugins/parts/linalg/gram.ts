import type { Value } from 'ockham'
import { InputError } from 'ockham'
import { addProduct } from './kernel.js'
import { doubles, extentOf } from './matrix.js'

const width = 64

/** Bᵀ [k, n] of B [n, k]. */
export function transpose(b: Value): Value {
  const [n, k] = extentOf(b, 'transpose')
  const from = doubles(b)
  const data = new Float64Array(n * k)
  for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) data[j * n + i] = from[i * k + j]!
  return { shape: [k, n], dtype: 'float64', data }
}

/** A Bᵀ [n, m] of rows A [n, k] and B [m, k]; only blocks on or below the diagonal with `lower`. */
function rowProducts(a: Float64Array, b: Float64Array, n: number, m: number, k: number, lower: boolean): Float64Array {
  const out = new Float64Array(n * m)
  const at = (i: number, depth: number, data: Float64Array) => ({ data, at: i * k + depth, stride: k })
  for (let d = 0; d < k; d += width)
    for (let i = 0; i < n; i += width)
      for (let j = 0; j < (lower ? i + 1 : m); j += width)
        addProduct(
          { data: out, at: i * m + j, stride: m },
          at(i, d, a),
          at(j, d, b),
          Math.min(width, n - i),
          Math.min(width, m - j),
          Math.min(width, k - d),
          1,
        )
  return out
}

/** A B [n, m] of A [n, k] and B [k, m]. Throws `OCK-LINALG-001`. */
export function product(a: Value, b: Value): Value {
  const [n, k] = extentOf(a, 'product, left')
  const [, m] = extentOf(b, 'product, right', k)
  return { shape: [n, m], dtype: 'float64', data: rowProducts(doubles(a), doubles(transpose(b)), n, m, k, false) }
}

/** scale · H Hᵀ + ridge · I [n, n] of the rows of H [n, k], exactly symmetric: a kernel between examples. Throws `OCK-LINALG-001`. */
export function gram(h: Value, { scale = 1, ridge = 0 } = {}): Value {
  const [n, k] = extentOf(h, 'gram')
  const rows = doubles(h)
  const data = rowProducts(rows, rows, n, n, k, true)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) data[j * n + i] = data[i * n + j] = data[i * n + j]! * scale
    data[i * n + i] = data[i * n + i]! * scale + ridge
  }
  return { shape: [n, n], dtype: 'float64', data }
}

/** scale · Hᵀ diag(weights) H + ridge · I [k, k] of the columns of H [n, k]: a curvature of parameters. Throws `OCK-LINALG-001`. */
export function outerGram(
  h: Value,
  { scale = 1, ridge = 0, weights }: { scale?: number; ridge?: number; weights?: ArrayLike<number> } = {},
): Value {
  const [n, k] = extentOf(h, 'outerGram')
  const columns = transpose(h)
  if (!weights) return gram(columns, { scale, ridge })
  if (weights.length !== n)
    throw new InputError({ code: 'OCK-LINALG-001', what: `${n} weights are needed, and ${weights.length} are given`, where: 'outerGram' })
  const weighted = Float64Array.from(columns.data, (x, i) => x * weights[i % n]!)
  const data = rowProducts(weighted, doubles(columns), k, k, n, true)
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < i; j++) data[j * k + i] = data[i * k + j] = data[i * k + j]! * scale
    data[i * k + i] = data[i * k + i]! * scale + ridge
  }
  return { shape: [k, k], dtype: 'float64', data }
}
