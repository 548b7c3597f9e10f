/* Factorisations on the runtime's products, and methods that see a matrix through its products alone. */
import { hostKey, type Engine, type Value } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/suites/index.js'
import {
  blockCholesky,
  blockInverse,
  cholesky,
  conjugateGradients,
  eigenSymmetric,
  eigenTridiagonal,
  gram,
  inverseLower,
  inverseSpd,
  lanczos,
  logDeterminant,
  logDeterminantStochastic,
  matrix,
  pivotedCholesky,
  product,
  solveSpd,
  svd,
  transpose,
  woodbury,
} from './index.js'

const random = (name: string, shape: readonly number[]): Value => matrix(shape, hostKey(7).fold(name).normal(shape).data)
const spd = (n: number, ridge = 1): Value => gram(random('spd', [n, 40]), { ridge })
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), a.length === b.length ? 0 : Infinity)
const times =
  (a: Value) =>
  (v: Float64Array): Float64Array =>
    product(a, matrix([v.length, 1], v)).data as Float64Array

describe.each(Object.entries(engines))('on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  afterAll(() => engine.dispose())

  it.each([5, 161, 300])('inverts a stack of matrices of %i rows', async (n) => {
    const [a, b] = [spd(n), spd(n, 3)]
    const stack = new Float64Array(2 * n * n)
    stack.set(a.data)
    stack.set(b.data, n * n)
    const { inverse, logDeterminants } = await blockInverse(engine, matrix([2, n, n], stack))
    expect(distance(inverse.data.slice(0, n * n), inverseSpd(a).data)).toBeLessThan(1e-11)
    expect(distance(inverse.data.slice(n * n), inverseSpd(b).data)).toBeLessThan(1e-11)
    expect(logDeterminants[0]).toBeCloseTo(logDeterminant(cholesky(a)), 8)
    expect(logDeterminants[1]).toBeCloseTo(logDeterminant(cholesky(b)), 8)
  })

  it('takes float32, and computes in float64', async () => {
    const a = spd(200)
    const single: Value = { shape: [1, 200, 200], dtype: 'float32', data: Float32Array.from(a.data) }
    const rounded = matrix([200, 200], single.data)
    expect(distance((await blockInverse(engine, single)).inverse.data, inverseSpd(rounded).data)).toBeLessThan(1e-11)
    expect(distance((await blockCholesky(engine, { ...single, shape: [200, 200] })).data, cholesky(rounded).data)).toBeLessThan(1e-13)
    await expect(blockInverse(engine, rounded)).rejects.toThrow(/OCK-LINALG-001.*\[c, n, n\]/)
  })

  it('factors by panels as the plain factorisation does, and refuses what has none', async () => {
    const a = spd(600)
    expect(distance((await blockCholesky(engine, a)).data, cholesky(a).data)).toBeLessThan(1e-10)
    const over = matrix(a.shape, Float64Array.from(a.data))
    expect((await blockCholesky(engine, over, { overwrite: true })).data).toBe(over.data)
    expect(distance(over.data, cholesky(a).data)).toBeLessThan(1e-10)
    a.data[500 * 600 + 500] = -1
    await expect(blockCholesky(engine, a)).rejects.toThrow('OCK-LINALG-002')
    await expect(blockInverse(engine, matrix([1, 600, 600], a.data))).rejects.toThrow('OCK-LINALG-002')
    await expect(blockInverse(engine, a)).rejects.toThrow('OCK-LINALG-001')
  })
})

it('inverts triangular matrices', () => {
  const l = cholesky(spd(70))
  const identity = product(l, inverseLower(l))
  expect(
    distance(
      identity.data,
      Float64Array.from({ length: 4900 }, (_, i) => (i % 71 === 0 ? 1 : 0)),
    ),
  ).toBeLessThan(1e-12)
})

describe.each([
  [7, 4],
  [4, 7],
])('svd of [%i, %i]', (n, k) => {
  it('multiplies back, with orthonormal sides and descending values', () => {
    const a = random('svd', [n, k])
    const { u, s, v } = svd(a)
    const scaled = matrix(
      u.shape,
      u.data.map((x, i) => x * s.data[i % 4]!),
    )
    expect(distance(product(scaled, transpose(v)).data, a.data)).toBeLessThan(1e-12)
    expect(
      distance(
        product(transpose(u), u).data,
        Float64Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0)),
      ),
    ).toBeLessThan(1e-12)
    expect([...s.data].sort((x, y) => y - x)).toEqual([...s.data])
  })
})

describe('through products alone', () => {
  const n = 120
  const smooth = matrix(
    [n, n],
    Float64Array.from({ length: n * n }, (_, i) => Math.exp(-0.5 * ((Math.floor(i / n) - (i % n)) / 9) ** 2)),
  )
  const noise = new Float64Array(n).fill(1e-3)
  const noisy = matrix(
    [n, n],
    smooth.data.map((x, i) => x + (i % (n + 1) === 0 ? 1e-3 : 0)),
  )
  const b = random('b', [n])
  const factored = pivotedCholesky(new Float64Array(n).fill(1), (i) => (smooth.data as Float64Array).subarray(i * n, (i + 1) * n), 40)

  it('pivoted Cholesky takes what is left and says how much that is', () => {
    const back = gram(factored.factor)
    expect(distance(back.data, smooth.data)).toBeLessThan(1e-5)
    for (let i = 0; i < n; i++) expect(factored.left[i]).toBeCloseTo(smooth.data[i * n + i]! - back.data[i * n + i]!, 8)
    expect(new Set(factored.pivots).size).toBe(factored.pivots.length)
  })

  it('conjugate gradients solve, and a preconditioner saves most of the steps', () => {
    const exact = solveSpd(noisy, b).data
    const plain = conjugateGradients(times(noisy), b)
    const helped = conjugateGradients(times(noisy), b, { precondition: woodbury(factored.factor, noise) })
    expect(distance(plain.x.data, exact)).toBeLessThan(1e-4)
    expect(distance(helped.x.data, exact)).toBeLessThan(1e-4)
    expect(helped.residual).toBeLessThan(1e-10)
    expect(helped.iterations * 4).toBeLessThan(plain.iterations)
    expect(() => conjugateGradients((v) => v.map((x) => -x), b)).toThrow('OCK-LINALG-004')
  })

  it('Lanczos finds all eigenvalues in n steps, the largest in a few', () => {
    const a = spd(30)
    const { values } = eigenSymmetric(a)
    const start = random('start', [30]).data as Float64Array
    expect(distance(eigenTridiagonal(lanczos(times(a), start, 30)).values.data, values.data)).toBeLessThan(1e-8)
    const few = eigenTridiagonal(lanczos(times(noisy), b.data as Float64Array, 20)).values.data
    expect(few.at(-1)! / eigenSymmetric(noisy).values.data.at(-1)!).toBeCloseTo(1, 6)
  })

  it('estimates a log-determinant', () => {
    const a = spd(200)
    const estimate = logDeterminantStochastic(times(a), 200, hostKey(3), { probes: 20, steps: 45 })
    expect(estimate / logDeterminant(cholesky(a))).toBeCloseTo(1, 1)
  })
})
