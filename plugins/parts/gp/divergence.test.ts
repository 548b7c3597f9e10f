import type { Engine, Process, Value } from 'ockham'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inverseSpd, matrix, product } from '../linalg/index.js'
import { engines } from '../training/testing.js'
import { stochasticBound } from './stochastic-bound.js'

let engine: Engine
beforeAll(async () => {
  engine = await engines['interpreter']!()
})
afterAll(() => engine.dispose())

it('of no data the bound is minus the divergence of correlated normals: Bayesian brief, section 4.3', async () => {
  // q = N((0.3, −0.1), [[0.5, 0.2], [0.2, 0.4]]), p = N(0, [[1, 0.6], [0.6, 1]]).
  const ones = (n: number): Value => matrix([n], new Float64Array(n).fill(1))
  const process: Process = {
    init: () => ({}),
    mean: (_, x) => matrix([x.shape[0]!, 1], new Float64Array(x.shape[0]!)),
    covariance: (_, a, b) =>
      matrix(
        [a.shape[0]!, b.shape[0]!],
        Float64Array.from({ length: a.data.length * b.data.length }, (__, k) =>
          a.data[Math.floor(k / b.data.length)] === b.data[k % b.data.length] ? 1 : 0.6,
        ),
      ),
    variance: (_, x) => ones(x.shape[0]!),
    gradient: () => ({}),
  }
  const precision = inverseSpd(matrix([2, 2], [0.5, 0.2, 0.2, 0.4]))
  const shift = product(precision, matrix([2, 1], [0.3, -0.1]))
  const q = [{ precision: Float64Array.from(precision.data), shift: Float64Array.from(shift.data) }]
  const z = matrix([2, 1], [0, 1])
  const observed = [{ target: Float64Array.of(1), noise: Float64Array.of(1) }]
  const { value } = await stochasticBound(engine, process, {}, Float64Array.of(0), matrix([1, 1], [0]), z, observed, q, 0)
  expect(value).toBeCloseTo(-0.3150221806, 6)
})
