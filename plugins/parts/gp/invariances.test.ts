import { hostKey } from 'ockham'
import { describe, expect, it } from 'vitest'
import { matrix } from '../linalg/index.js'
import { condition, gp } from './index.js'
import { differences, factorAnalysis, hyperOf } from './testing.js'

describe('invariances', () => {
  const x = matrix([5, 3], hostKey(8).uniform([5, 3]).data)
  const p = [
    [1, 0.3],
    [-1, 0.5],
    [0.2, 2],
  ] as const
  const at = (directions: readonly (readonly number[])[], ell: readonly number[], points = x): Float64Array => {
    const fa = factorAnalysis(directions, ell, [1, 2, 4], 1.5)
    return fa.kernel.covariance(fa.p, points, points).data as Float64Array
  }
  const base = at(p, [0.5, 0.5])
  const turned = p.map(([a, b]) => [0.6 * a - 0.8 * b, 0.8 * a + 0.6 * b])

  it.each([
    [
      'columns swapped',
      at(
        p.map(([a, b]) => [b, a]),
        [0.5, 0.5],
      ),
    ],
    [
      'a sign flipped',
      at(
        p.map(([a, b]) => [-a, b]),
        [0.5, 0.5],
      ),
    ],
    ['turned', at(turned, [0.5, 0.5])],
    [
      'direction and length-scale doubled',
      at(
        p.map(([a, b]) => [2 * a, b]),
        [1, 0.5],
      ),
    ],
    [
      'a constant added to a feature',
      at(
        p,
        [0.5, 0.5],
        matrix(
          [5, 3],
          x.data.map((v, i) => (i % 3 === 1 ? v + 7 : v)),
        ),
      ),
    ],
  ])('%s', (_, found) => {
    found.forEach((v, i) => expect(v).toBeCloseTo(base[i]!, 11))
  })

  it('rows in another order, and a constant in mean and targets', () => {
    const fa = factorAnalysis(p, [0.5, 0.5], [1, 2, 4], 1.5)
    const process = gp({ kernel: fa.kernel, mean: 'constant' })
    const target = Float64Array.of(0.3, -1, 0.4, 2, -0.2)
    const noise = Float64Array.of(0.1, 0.4, 0.2, 0.3, 0.5)
    const given = (order: readonly number[], shift: number) =>
      condition(
        process,
        hyperOf(fa.p, [0.2 + shift]),
        Float64Array.of(0.1),
        matrix(
          [5, 3],
          order.flatMap((i) => [...x.data.subarray(3 * i, 3 * i + 3)]),
        ),
        [{ target: Float64Array.from(order, (i) => target[i]! + shift), noise: Float64Array.from(order, (i) => noise[i]!) }],
      )
    const [plain, mixed, shifted] = [given([0, 1, 2, 3, 4], 0), given([3, 0, 4, 1, 2], 0), given([0, 1, 2, 3, 4], 7)]
    const at = matrix([2, 3], hostKey(9).uniform([2, 3]).data)
    expect(mixed.evidence[0]).toBeCloseTo(plain.evidence[0]!, 11)
    expect(shifted.evidence[0]).toBeCloseTo(plain.evidence[0]!, 11)
    for (const i of [0, 1]) {
      expect(mixed.latent(at).mean.data[i]).toBeCloseTo(plain.latent(at).mean.data[i]!, 11)
      expect(shifted.latent(at).mean.data[i]).toBeCloseTo(plain.latent(at).mean.data[i]! + 7, 10)
      expect(shifted.latent(at).variance.data[i]).toBeCloseTo(plain.latent(at).variance.data[i]!, 11)
    }
  })

  it('finite differences agree with themselves: the helper finds the slope of a square', () => {
    expect(differences(({ v }) => v!.data[0]! ** 2, { v: matrix([1], [3]) })['v']!.data[0]).toBeCloseTo(6, 8)
  })
})
