/* Problems large enough for the runtime: it gives what factors on the host give. */
import { hostKey, type Engine, type Value, type Values } from 'ockham'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { componentOf, engines, interpreter } from '../../../test/suites/index.js'
import { matrix, paddedRows } from '../linalg/index.js'
import plugin, { condition, dirichlet, evidence, gp, type Evidence, type Kernel, type Observed } from './index.js'
import { noisyCovariances } from './blocks.js'
import { covarianceQuarters, gradientOfQuarters } from './quartered.js'
import { factorAnalysis, hyperOf, squaredExponential } from './testing.js'

const close = (found: ArrayLike<number>, wanted: ArrayLike<number>, digits = 9): void =>
  Array.from(wanted).forEach((w, i) => expect(found[i]! / w, `entry ${i}: ${found[i]}`).toBeCloseTo(1, digits - 1))

const kernelOf = (name: string, options: object = {}): Promise<Kernel> => componentOf(plugin, 'kernel', name, options)

const labelled = (points: Value): readonly Observed[] => {
  const [n, d] = points.shape as [number, number]
  const y = Int32Array.from({ length: n }, (_, i) => (points.data[d * i]! > points.data[d * i + 1]! ? 1 : 0))
  return dirichlet({ alpha: 0.01 }).targets({ shape: [n], dtype: 'int32', data: y }, 2)
}

function same(found: Evidence, wanted: Evidence): void {
  close(found.outputs, wanted.outputs, 10)
  close(found.noise, wanted.noise)
  for (const [name, v] of Object.entries(wanted.hyper)) close(found.hyper[name]!.data, v.data)
}

describe.each(Object.entries(engines))('on %s', (_, start) => {
  let engine: Engine
  let portable: Engine
  beforeAll(async () => {
    engine = await start()
    portable = await interpreter()
  })
  afterAll(async () => {
    await engine.dispose()
    await portable.dispose()
  })

  const extra = Float64Array.of(0.1, 0.2)

  it('under the factor-analysis kernel', async () => {
    const points = matrix([300, 3], hostKey(3).uniform([300, 3]).data)
    const { kernel, p } = factorAnalysis([[1], [-1], [0.1]], [0.5], [1, 2, 5], 2)
    const [process, at] = [gp({ kernel, mean: 'constant' }), hyperOf(p, [-1, -2])]
    const found = await evidence(engine, process, at, extra, points, labelled(points))
    close(found.outputs, condition(process, at, extra, points, labelled(points)).evidence, 11)
    same(found, await evidence(portable, process, at, extra, points, labelled(points)))
  })

  it.each(['3/2', '5/2'])('under Matérn %s, some rows twice', async (smoothness) => {
    const points = matrix([300, 3], hostKey(4).normal([300, 3]).data)
    points.data.copyWithin(0, 450, 480)
    const kernel = await kernelOf('matern', { smoothness, ard: true, variance: 1.7, lengthScale: 0.4 })
    expect(kernel.embedded).toBeDefined()
    const [process, at] = [gp({ kernel, mean: 'constant' }), hyperOf(kernel.init(3, hostKey(0)), [-1, -2])]
    same(
      await evidence(engine, process, at, extra, points, labelled(points)),
      await evidence(portable, process, at, extra, points, labelled(points)),
    )
  })

  it('under a sum of kernels', async () => {
    const points = matrix([300, 2], hostKey(3).uniform([300, 2]).data)
    const kernel = await kernelOf('sum', { of: [await kernelOf('matern'), await kernelOf('periodic', { period: 2.3 })] })
    const [process, at] = [gp({ kernel, mean: 'constant' }), hyperOf(kernel.init(2, hostKey(0)), [0.3, -0.1])]
    same(
      await evidence(engine, process, at, extra, points, labelled(points)),
      await evidence(portable, process, at, extra, points, labelled(points)),
    )
  })

  it('an ill-conditioned covariance is factored where halves are not exact enough', async () => {
    const n = 200
    const points = matrix([n, 1], hostKey(3).uniform([n, 1]).data)
    const flat = squaredExponential(1, 0.5)
    const plain = gp({ kernel: flat.kernel, mean: 'zero' })
    const seen = [{ target: Float64Array.from(points.data, (v) => Math.sin(6 * v)), noise: new Float64Array(n) }]
    const found = await evidence(engine, plain, hyperOf(flat.p, [0]), Float64Array.of(1e-7), points, seen)
    const exact = condition(plain, hyperOf(flat.p, [0]), Float64Array.of(1e-7), points, seen).evidence[0]!
    expect(found.value / exact).toBeCloseTo(1, 6)
  })
})

describe.each([300, 1600])('%i rows by quarters', (n) => {
  const points = matrix([n, 2], hostKey(5).normal([n, 2]).data)
  const rows = paddedRows(n)
  const m = rows / 2
  /** Entry (i, j) of a symmetric matrix of which a table holds the upper triangle. */
  const read = (table: ArrayLike<number>, i: number, j: number): number => table[Math.min(i, j) * rows + Math.max(i, j)]!
  const block = (table: ArrayLike<number>, top: number, left: number, size: number): Value =>
    matrix(
      [size, size],
      Float64Array.from({ length: size ** 2 }, (_, i) => read(table, top + Math.floor(i / size), left + (i % size))),
    )
  let kernel: Kernel
  let at: Values
  beforeAll(async () => {
    kernel = await kernelOf('matern', { smoothness: '3/2' })
    at = hyperOf(kernel.init(2, hostKey(0)), [0.3])
  })

  it('the covariance of all rows with each other, and none with those that pad', () => {
    const process = gp({ kernel, mean: 'constant' })
    const whole = new Float64Array(rows * rows)
    const plain = process.covariance(at, points, points).data
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) whole[i * rows + j] = plain[i * n + j]!
    const found = covarianceQuarters(process, at, points, rows)
    for (const [name, top, left] of [
      ['first', 0, 0],
      ['across', 0, m],
      ['second', m, m],
    ] as const) {
      const wanted = block(whole, top, left, m).data
      expect(
        found[name].data.every((v, i) => v === wanted[i]),
        name,
      ).toBe(true)
    }
  })

  it('noisy covariances, of which only lower triangles count', () => {
    const process = gp({ kernel, mean: 'constant' })
    const plain = process.covariance(at, points, points).data
    const [extra, observed] = [Float64Array.of(0.1, 0.2), labelled(points)]
    const all = [...noisyCovariances(process, at, extra, points, observed)]
    expect(all.length).toBe(2)
    let worst = 0
    for (const [c, sigma] of all.entries())
      for (let i = 0; i < n; i++)
        for (let j = 0; j <= i; j++) {
          const wanted = plain[i * n + j]! + (i === j ? observed[c]!.noise[i]! + extra[c]! : 0)
          worst = Math.max(worst, Math.abs(sigma[i * n + j]! - wanted))
        }
    expect(worst).toBeLessThan(1e-14)
  })

  it('the gradient from derivatives by quarters', () => {
    const process = gp({ kernel, mean: 'constant' })
    const by = hostKey(6).normal([rows, rows]).data
    const wanted = process.gradient(at, { covariance: [{ a: points, b: points, by: block(by, 0, 0, n) }] })
    const quarters = { first: block(by, 0, 0, m), across: block(by, 0, m, m), second: block(by, m, m, m) }
    const found = gradientOfQuarters(process, at, points, quarters)
    for (const [name, v] of Object.entries(wanted)) if (name !== 'mean') close(found[name]!.data, v.data, 8)
  })
})
