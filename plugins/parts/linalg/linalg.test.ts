import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import { hostKey, type Value } from 'ockham'
import { describe, expect, it } from 'vitest'
import {
  cholesky,
  choleskyJittered,
  eigenSymmetric,
  gram,
  inverseSpd,
  logDeterminant,
  matrix,
  outerGram,
  product,
  solveLower,
  solveLowerTransposed,
  solveSpd,
  transpose,
} from './index.js'

const random = (name: string, shape: readonly number[]): Value => matrix(shape, hostKey(1).fold(name).normal(shape).data)

/** The plain triple loop. */
const naive = (a: Value, b: Value): Value => {
  const [[n, k], m] = [a.shape as [number, number], b.shape[1]!]
  const out = matrix([n, m])
  for (let i = 0; i < n; i++)
    for (let j = 0; j < m; j++) for (let d = 0; d < k; d++) out.data[i * m + j]! += a.data[i * k + d]! * b.data[d * m + j]!
  return out
}

const distance = (a: Value, b: Value): number => {
  expect(a.shape).toEqual(b.shape)
  return Array.from(a.data).reduce((most, x, i) => Math.max(most, Math.abs(x - b.data[i]!)), 0)
}

const identity = (n: number): Value =>
  matrix(
    [n, n],
    Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
  )

/** H_ij = 1 / (i + j + 1), whose determinant and inverse are known in closed form. */
const hilbert = (n: number): Value =>
  matrix(
    [n, n],
    Float64Array.from({ length: n * n }, (_, i) => 1 / (Math.floor(i / n) + (i % n) + 1)),
  )

// Sizes on both sides of the panel width, odd ones included.
const sizes = [1, 2, 7, 47, 48, 49, 131]

describe('cholesky', () => {
  it('gives the factor of a worked example', () => {
    const k = gram(matrix([3, 2], [1, 0, 0, 1, 1, 1]), { scale: 0.5, ridge: 2 })
    k.data.forEach((x, i) => (k.data[i] = x + 0.5)) // the constant feature
    expect([...k.data]).toEqual([3, 0.5, 1, 0.5, 3, 1, 1, 1, 3.5])
    const l = cholesky(k)
    const wanted = [1.732051, 0, 0, 0.288675, 1.707825, 0, 0.57735, 0.48795, 1.711307]
    wanted.forEach((x, i) => expect(l.data[i]).toBeCloseTo(x, 5))
    expect(logDeterminant(l)).toBeCloseTo(3.2435684375, 9)
    const w = solveSpd(k, matrix([3, 2], [1, -1, 0.5, 0, 2, 1]))
    const inside = [0.160976, -0.468293, -0.039024, -0.068293, 0.536585, 0.439024]
    inside.forEach((x, i) => expect(w.data[i]).toBeCloseTo(x, 5))
  })

  it.each(sizes)('multiplies back to a random matrix of %i rows', (n) => {
    const a = gram(random('a', [n, n + 3]), { ridge: 0.1 })
    const l = cholesky(a)
    expect(distance(naive(l, transpose(l)), a)).toBeLessThan(1e-11 * n)
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(l.data[i * n + j]).toBe(0)
  })

  it('reads the lower triangle only and leaves its argument alone', () => {
    const a = matrix([2, 2], [4, NaN, 2, 5])
    expect([...cholesky(a).data]).toEqual([2, 0, 1, 2])
    expect([...a.data]).toEqual([4, NaN, 2, 5])
  })

  it('names the pivot where the matrix is not positive definite', () => {
    const a = gram(random('a', [60, 100]))
    a.data[53 * 60 + 53] = -1
    expect(() => cholesky(a)).toThrow(/OCK-LINALG-002.*pivot 53/)
    expect(() => cholesky(matrix([1, 1], [NaN]))).toThrow(/pivot 0/)
    expect(() => cholesky(matrix([1, 1], [Infinity]))).toThrow(/pivot 0/)
    expect(() => cholesky(matrix([2, 3]))).toThrow(/OCK-LINALG-001/)
  })

  it('adds the least jitter of the ladder, and reports it', () => {
    expect(choleskyJittered(identity(3)).jitter).toBe(0)
    const singular = matrix([2, 2], [1, 1, 1, 1 - 1e-9])
    const { factor, jitter } = choleskyJittered(singular)
    expect(jitter).toBeCloseTo(1e-9, 12)
    expect(naive(factor, transpose(factor)).data[0]).toBeCloseTo(1 + jitter, 14)
    expect(() => choleskyJittered(matrix([1, 1], [-1]), { attempts: 3 })).toThrow(/OCK-LINALG-002.*1e-8 added/)
    expect(() => choleskyJittered(matrix([1, 1], [NaN]))).toThrow(/OCK-LINALG-002/)
  })
})

describe('closed forms', () => {
  it('gives the determinant and inverse of the Hilbert matrix', () => {
    // det H_5 = 1 / 266716800000; (H⁻¹)_ij for n = 5 are whole numbers.
    expect(logDeterminant(cholesky(hilbert(5)))).toBeCloseTo(-Math.log(266716800000), 9)
    const first = [25, -300, 1050, -1400, 630]
    const inverse = inverseSpd(hilbert(5))
    first.forEach((x, j) => expect(inverse.data[j]! / x).toBeCloseTo(1, 9))
    expect(inverse.data[24]! / 44100).toBeCloseTo(1, 9)
  })

  it.each(sizes)('inverts a random matrix of %i rows, symmetric to the bit', (n) => {
    const a = gram(random('b', [n, n + 3]), { ridge: 1 })
    const inverse = inverseSpd(a)
    expect(distance(naive(a, inverse), identity(n))).toBeLessThan(1e-9)
    expect(transpose(inverse).data).toEqual(inverse.data)
  })
})

describe('solves', () => {
  it.each(sizes)('solves triangular and full systems [%i]', (n) => {
    const a = gram(random('c', [n, n + 2]), { ridge: 1 })
    const l = cholesky(a)
    const b = random('d', [n, n % 3 === 1 ? 1 : 67])
    expect(distance(naive(l, solveLower(l, b)), b)).toBeLessThan(1e-11)
    expect(distance(naive(transpose(l), solveLowerTransposed(l, b)), b)).toBeLessThan(1e-11)
    expect(distance(naive(a, solveSpd(a, b)), b)).toBeLessThan(1e-9)
  })

  it('takes a vector, and refuses one of another length', () => {
    const x = solveSpd(matrix([2, 2], [4, 0, 0, 16]), matrix([2], [4, 8]))
    expect(x).toEqual({ shape: [2], dtype: 'float64', data: Float64Array.of(1, 0.5) })
    expect(() => solveSpd(identity(2), matrix([3]))).toThrow(/OCK-LINALG-001.*2 rows/)
  })
})

describe('products', () => {
  it.each([
    [1, 1, 1],
    [3, 5, 2],
    [64, 65, 63],
    [130, 67, 71],
  ])('agrees with the plain loop for [%i, %i] and %i columns', (n, k, m) => {
    const [a, b] = [random('e', [n, k]), random('f', [k, m])]
    expect(distance(product(a, b), naive(a, b))).toBeLessThan(1e-12 * k)
    expect(distance(gram(a), naive(a, transpose(a)))).toBeLessThan(1e-12 * k)
    const weights = Float64Array.from({ length: n }, (_, i) => i + 0.5)
    const weighted = matrix(
      [n, k],
      a.data.map((x, i) => x * weights[Math.floor(i / k)]!),
    )
    expect(distance(outerGram(a, { weights }), naive(transpose(a), weighted))).toBeLessThan(1e-10 * n)
  })

  it('finds eigenvectors of a symmetric matrix', () => {
    const a = gram(random('g', [9, 12]))
    const { values, vectors } = eigenSymmetric(a)
    const scaled = matrix(
      [9, 9],
      vectors.data.map((x, i) => x * values.data[i % 9]!),
    )
    expect(distance(naive(scaled, transpose(vectors)), a)).toBeLessThan(1e-12 * 100)
    expect([...values.data].sort((x, y) => x - y)).toEqual([...values.data])
    expect(() => eigenSymmetric(matrix([1, 1], [NaN]))).toThrow(/OCK-LINALG-003/)
  })

  it.each([1e-200, 1e200])('neither overflows nor vanishes at size %f', (scale) => {
    const [at, one] = [scale, 1].map((s) => eigenSymmetric(gram(random('t', [12, 12]), { scale: s })).values)
    one!.data.forEach((v: number, i: number) => expect(Math.abs(at!.data[i]! / scale - v)).toBeLessThan(1e-12 * one!.data[11]!))
  })

  // Of full rank, of low rank, of two eigenvalues, already diagonal, nothing at all, one number.
  it.each([
    ['any', gram(random('e', [40, 60]))],
    ['of low rank', gram(random('r', [200, 30]))],
    ['of equal eigenvalues', gram(random('q', [30, 2]), { ridge: 5 })],
    ['diagonal', matrix([3, 3], [2, 0, 0, 0, -1, 0, 0, 0, 2])],
    ['zero', matrix([5, 5])],
    ['single', matrix([1, 1], [-3])],
  ])('eigenvalues are those of ml-matrix, and vectors orthonormal: %s', (_, a) => {
    const n = a.shape[0]!
    const { values, vectors } = eigenSymmetric(a)
    const known = new EigenvalueDecomposition(Matrix.from1DArray(n, n, Array.from(a.data)), { assumeSymmetric: true })
    const largest = Math.max(...Array.from(a.data, Math.abs), Number.MIN_VALUE)
    const sorted = known.realEigenvalues.sort((x, y) => x - y)
    values.data.forEach((v: number, i: number) => expect(Math.abs(v - sorted[i]!) / largest).toBeLessThan(1e-12 * n))
    const unit = matrix([n, n])
    for (let i = 0; i < n; i++) unit.data[i * n + i] = 1
    expect(distance(product(transpose(vectors), vectors), unit)).toBeLessThan(1e-13 * n)
    const turned = product(a, vectors)
    const scaled = matrix(
      [n, n],
      vectors.data.map((x, i) => x * values.data[i % n]!),
    )
    expect(distance(turned, scaled) / largest).toBeLessThan(1e-13 * n)
  })
})
