import type { Engine, Step } from 'ockham'
import type { Scalar, Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../training/testing.js'
import { value } from '../training/trees.js'
import { horseshoeDensity, scaledExponentialIntegral } from './horseshoe.js'
import { laplaceDensity, normal, studentTDensity, twoNormals } from './index.js'
import type { LogDensity } from './independent.js'

describe.each(Object.entries(engines))('log densities: brief section 12, on %s', (_, start) => {
  let engine: Engine
  beforeAll(async () => {
    engine = await start()
  })
  const at = async (density: LogDensity, x: readonly number[], scale = 1): Promise<number[]> => {
    const program = engine.compile((a: { x: Tensor }) => density(a.x.div(scale)).sub(Math.log(scale)))
    return Array.from((await program({ x: value(x) })).data)
  }
  it.each<[string, LogDensity, number, number, number]>([
    ['Laplace', laplaceDensity, 1, 0.3, -0.9931471806],
    ['Laplace of variance 1', laplaceDensity, Math.SQRT1_2, 0.3, -0.770837659],
    ['Student t, ν = 3', studentTDensity(3), 1, 0.3, -1.0600064541],
    ['Cauchy', studentTDensity(1), 1, 0.3, -1.2309075821],
    ['horseshoe', horseshoeDensity, 1, 0.3, -1.0753946676],
    ['horseshoe further out', horseshoeDensity, 1, 2, -3.0816358577],
    ['spike and slab', twoNormals(0.5, 0.01), 1, 0.3, -1.6570857],
    ['mixture of the brief’s section 4.3', twoNormals(0.5, Math.exp(-6)), 1, 0.3, -1.6570857138],
    ['the same inside the narrow one', twoNormals(0.5, Math.exp(-6)), 1, 0.001, 4.3092221819],
    ['spike and slab inside the spike', twoNormals(0.5, 0.01), 1, 0, Math.log((0.5 * 101) / Math.sqrt(2 * Math.PI))],
  ])('%s', async (_, density, scale, x, wanted) => {
    expect(
      (await at(density, [x, -x], scale)).map((v) => Math.abs(v - wanted)).every((e) => e < 2e-6 * Math.max(1, Math.abs(wanted))),
    ).toBe(true)
  })

  it('normal, up to its normaliser, which an energy leaves out', async () => {
    const prior = normal({ scale: 1 })
    const program = engine.compile((a: { x: Tensor }) => {
      const net = { vars: { params: { w: a.x }, frozen: {}, state: {} } }
      return prior.energy({ net } as unknown as Step) as Scalar
    })
    const energy = (await program({ x: value([0.3]) })).data[0]!
    expect(-energy - Math.log(2 * Math.PI) / 2).toBeCloseTo(-0.9639385332, 6)
  })

  it('the horseshoe lies between its bounds in closed form', async () => {
    const x = [0.01, 0.1, 0.3, 1, 2, 10]
    const k = 1 / Math.sqrt(2 * Math.PI ** 3)
    const low = x.map((z) => Math.log((k / 2) * Math.log1p(4 / (z * z))))
    const high = x.map((z) => Math.log(k * Math.log1p(2 / (z * z))))
    expect([low[2], high[2]]).toEqual([expect.closeTo(-1.4174843, 6), expect.closeTo(-0.9178197, 6)])
    ;(await at(horseshoeDensity, x)).forEach((v, i) => {
      expect(v, `at ${x[i]}`).toBeGreaterThan(low[i]!)
      expect(v, `at ${x[i]}`).toBeLessThan(high[i]!)
    })
  })

  it('Student’s density integrates to one for odd and even ν', async () => {
    for (const degrees of [3, 4, 7]) {
      const x = Array.from({ length: 40_001 }, (_, i) => (i - 20_000) / 200)
      const sum = (await at(studentTDensity(degrees), x)).reduce((s, v) => s + Math.exp(v) / 200, 0)
      expect(Math.abs(sum - 1)).toBeLessThan(1e-5)
    }
  })

  it('eᵘ E₁(u) on both sides of where its forms meet', async () => {
    const program = engine.compile((a: { u: Tensor }) => scaledExponentialIntegral(a.u))
    const found = Array.from((await program({ u: value([0.01, 0.5, 1, 1.0001, 5, 1e6]) })).data)
    const wanted = [4.0785104, 0.92291316, 0.59634736, 0.59630705, 0.17042218, 1e-6]
    found.forEach((v, i) => expect(Math.abs(v / wanted[i]! - 1)).toBeLessThan(3e-6))
  })

  /** Slopes of a log density in closed form: of two normals, and of the horseshoe by eᵘE₁(u). */
  const ofTwo =
    (share: number, ratio: number) =>
    (x: number): number => {
      const wide = share * Math.exp(-x * x * 0.5)
      const narrow = ((1 - share) / ratio) * Math.exp((-x * x * 0.5) / (ratio * ratio))
      return (-x * (wide + narrow / (ratio * ratio))) / (wide + narrow)
    }
  const scaled = new Map([
    [0.01, 4.0785104],
    [0.5, 0.92291316],
    [5, 0.17042218],
  ])
  const ofHorseshoe = (x: number): number => x * (1 - 1 / (x * x * 0.5 * scaled.get(Number((x * x * 0.5).toFixed(9)))!))
  const near = [1e-4, 0.003, 0.01, 0.02, 0.03, 0.3, 2, -0.3]
  it.each<[string, LogDensity, (x: number) => number, readonly number[]]>([
    ['Laplace', laplaceDensity, (x) => -Math.sign(x), near],
    ['Student t, ν = 3', studentTDensity(3), (x) => (-4 * x) / (3 + x * x), near],
    ['mixture', twoNormals(0.5, Math.exp(-6)), ofTwo(0.5, Math.exp(-6)), near],
    ['spike and slab', twoNormals(0.3, 0.01), ofTwo(0.3, 0.01), near],
    ['horseshoe', horseshoeDensity, ofHorseshoe, [0.01, 0.5, 5].flatMap((u) => [Math.sqrt(2 * u), -Math.sqrt(2 * u)])],
  ])('the slope of %s', async (_, density, slope, x) => {
    const program = engine.compile((a: { x: Tensor }) => {
      const { grads } = engine.valueAndGrad((p) => ({ value: density(p['x']!).sum<Scalar>(), aux: null }), { x: a.x })
      return grads['x']!
    })
    const found = Array.from((await program({ x: value(x) })).data)
    found.forEach((v, i) => expect(Math.abs(v - slope(x[i]!)), `at ${x[i]}`).toBeLessThan(1e-4 * Math.max(1, Math.abs(slope(x[i]!)))))
  })

  it('is finite far out and at zero', async () => {
    for (const density of [laplaceDensity, studentTDensity(3), twoNormals(0.5, 0.0025), horseshoeDensity])
      expect((await at(density, [0, 1e-6, 50])).every(Number.isFinite)).toBe(true)
  })
})
