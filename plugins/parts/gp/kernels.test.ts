import { hostKey, type Value, type Values } from 'ockham'
import { describe, expect, it } from 'vitest'
import { eigenSymmetric, matrix } from '../linalg/index.js'
import { componentOf } from '../../../test/suites/index.js'
import gp, { type Kernel } from './index.js'
import { inner } from './kernels/kernel.js'
import { differences, factorAnalysis } from './testing.js'

const kernelOf = (name: string, options: object = {}): Promise<Kernel> => componentOf(gp, 'kernel', name, options)
const points = (name: string, n: number, d = 3): Value => matrix([n, d], hostKey(5).fold(name).normal([n, d]).data)

const kernels: Readonly<Record<string, () => Promise<Kernel>>> = {
  rbf: () => kernelOf('rbf', { lengthScale: 1.3 }),
  'rbf with ARD': () => kernelOf('rbf', { ard: true }),
  'matern 1/2': () => kernelOf('matern', { smoothness: '1/2' }),
  'matern 3/2': () => kernelOf('matern', { smoothness: '3/2', ard: true }),
  'matern 5/2': () => kernelOf('matern'),
  'rational quadratic': () => kernelOf('rational-quadratic', { alpha: 0.7, ard: true }),
  periodic: () => kernelOf('periodic', { period: 2.3, ard: true }),
  linear: () => kernelOf('linear', { ard: true }),
  'factor analysis': () => kernelOf('factor-analysis'),
  sum: async () => kernelOf('sum', { of: [await kernelOf('linear'), await kernelOf('matern')] }),
  product: async () => kernelOf('product', { of: [await kernelOf('periodic'), await kernelOf('rbf', { ard: true })] }),
}

/** Parameters away from their start, so that no derivative is zero by symmetry. */
const moved = (p: Values): Values =>
  Object.fromEntries(
    Object.entries(p).map(([name, v]) => {
      const noise = hostKey(9).fold(name).normal([v.data.length]).data
      return [name, { ...v, data: Float64Array.from(v.data, (x, i) => x + 0.2 * noise[i]!) }]
    }),
  )

describe.each(Object.entries(kernels))('%s', (_, make) => {
  const [a, b] = [points('a', 6), points('b', 4)]

  it('is symmetric, positive definite, and agrees with its diagonal', async () => {
    const kernel = await make()
    const p = moved(kernel.init(3, hostKey(1)))
    const k = kernel.covariance(p, a, a)
    for (let i = 0; i < 6; i++) for (let j = 0; j < i; j++) expect(k.data[i * 6 + j]).toBe(k.data[j * 6 + i])
    expect(eigenSymmetric(k).values.data[0]).toBeGreaterThan(-1e-12)
    const diagonal = kernel.variance(p, a).data
    for (let i = 0; i < 6; i++) expect(diagonal[i]).toBeCloseTo(k.data[i * 7]!, 12)
    const copy = matrix(a.shape, Float64Array.from(a.data))
    kernel.covariance(p, a, copy).data.forEach((v, i) => expect(v).toBeCloseTo(k.data[i]!, 12))
  })

  it.each([
    ['between two sets', a, b],
    ['of one set', a, a],
  ])('pulls derivatives back as finite differences do, %s', async (_name, left, right) => {
    const kernel = await make()
    const p = moved(kernel.init(3, hostKey(1)))
    const by = matrix([left.shape[0]!, right.shape[0]!], hostKey(2).normal([left.shape[0]!, right.shape[0]!]).data)
    const value = (q: Values): number => inner(kernel.covariance(q, left, right).data, by.data)
    const expected = differences(value, p)
    const found = kernel.pull(p, left, right, by)
    expect(Object.keys(found).sort()).toEqual(Object.keys(p).sort())
    for (const [name, v] of Object.entries(expected)) v.data.forEach((x, i) => expect(found[name]!.data[i], name).toBeCloseTo(x, 6))
  })

  it('pulls derivatives of its diagonal back', async () => {
    const kernel = await make()
    const p = moved(kernel.init(3, hostKey(1)))
    const by = matrix([6], hostKey(2).normal([6]).data)
    const expected = differences((q) => inner(kernel.variance(q, a).data, by.data), p)
    const found = kernel.pullVariance(p, a, by)
    for (const [name, v] of Object.entries(expected)) v.data.forEach((x, i) => expect(found[name]!.data[i], name).toBeCloseTo(x, 6))
  })
})

describe('known values', () => {
  const at = async (name: string, options: object, x: number, y: number): Promise<number> => {
    const kernel = await kernelOf(name, options)
    return kernel.covariance(kernel.init(1, hostKey(0)), matrix([1, 1], [x]), matrix([1, 1], [y])).data[0]!
  }

  it('of the one-dimensional kernels', async () => {
    expect(await at('rbf', { variance: 2, lengthScale: 0.5 }, 0, 1)).toBeCloseTo(2 * Math.exp(-2), 14)
    expect(await at('matern', { smoothness: '1/2' }, 0, 1.5)).toBeCloseTo(Math.exp(-1.5), 14)
    expect(await at('matern', { smoothness: '3/2' }, 0, 1)).toBeCloseTo((1 + Math.sqrt(3)) * Math.exp(-Math.sqrt(3)), 14)
    expect(await at('matern', { smoothness: '5/2' }, 0, 1)).toBeCloseTo((1 + Math.sqrt(5) + 5 / 3) * Math.exp(-Math.sqrt(5)), 14)
    expect(await at('rational-quadratic', { alpha: 2 }, 0, 2)).toBeCloseTo(0.25, 14)
    expect(await at('periodic', { period: 3 }, 1, 4)).toBeCloseTo(1, 12)
    expect(await at('periodic', { period: 2 }, 0, 1)).toBeCloseTo(Math.exp(-2), 14)
    expect(await at('linear', { variance: 2, offset: 0.5 }, 3, 4)).toBeCloseTo(24.5, 12)
  })

  it('of the factor-analysis kernel, its metric and its eigenvalues', () => {
    const { kernel, p } = factorAnalysis(
      [
        [1, 0],
        [-1, 0.5],
        [0, 2],
      ],
      [0.5, 2],
      [1, 2, 4],
      1.5,
    )
    const k = kernel.covariance(p, matrix([1, 3], [0.2, 0.7, 0.1]), matrix([1, 3], [0.5, 0.3, 0.4])).data[0]!
    expect(k).toBeCloseTo(0.5156395047359573, 13)
    const m = kernel.metric!(p, 3)
    ;[5, -4, 0, -4, 4.3125, 0.25, 0, 0.25, 1.0625].forEach((v, i) => expect(m.data[i]).toBeCloseTo(v, 11))
    const { values, vectors } = eigenSymmetric(m)
    ;[0.5718600639, 1.128390787, 8.6747491491].forEach((v, i) => expect(values.data[i]).toBeCloseTo(v, 9))
    const top = [2, 5, 8].map((i) => vectors.data[i]! * Math.sign(vectors.data[2]!))
    ;[0.7362307962, -0.6763658729, -0.0222130759].forEach((v, i) => expect(top[i]).toBeCloseTo(v, 9))
  })
})
