import type { Engine } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../training/testing.js'
import { value } from '../training/trees.js'
import { horseshoeDensity, scaledExponentialIntegral } from './horseshoe.js'
import { laplaceDensity, studentTDensity, twoNormals } from './index.js'
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
    ['spike and slab inside the spike', twoNormals(0.5, 0.01), 1, 0, Math.log((0.5 * 101) / Math.sqrt(2 * Math.PI))],
  ])('%s', async (_, density, scale, x, wanted) => {
    expect((await at(density, [x, -x], scale)).map((v) => Math.abs(v - wanted)).every((e) => e < 2e-6)).toBe(true)
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

  it('is finite far out and at zero', async () => {
    for (const density of [laplaceDensity, studentTDensity(3), twoNormals(0.5, 0.0025), horseshoeDensity])
      expect((await at(density, [0, 1e-6, 50])).every(Number.isFinite)).toBe(true)
  })
})
