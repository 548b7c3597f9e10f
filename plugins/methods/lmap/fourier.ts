import type { Dataset, HostKey } from 'ockham'
import { hostKey } from 'ockham'
import { z } from 'zod'
import { memory, type Fields } from '../../parts/datasets/index.js'

const whole = z.int().positive()

export const fourierOptions = z.strictObject({
  n: whole.default(100).describe('training points, uniform on [-1, 1]'),
  noise: z.number().nonnegative().default(0.1).describe('standard deviation of the normal noise on training targets'),
  pairs: whole.default(100).describe('sines and cosines of kπx each, k = 1, 2, …'),
  scale: z.number().positive().default(10).describe('standard deviation of θ; the weight of a wave is tanh θ'),
  amplitude: z.number().positive().default(1).describe('factor of the whole function'),
  test: z.int().min(2).default(1000).describe('points in test, even on [-1, 1] and without noise'),
  seed: z.number().int().nonnegative().default(0).describe('what the function, the points and the noise follow from'),
})

export type FourierOptions = z.output<typeof fourierOptions>

const column = (data: ArrayLike<number>): Fields[string] => ({ shape: [1], dtype: 'float32', data: Float64Array.from(data) })

/** a Σ tanh(θᵢ) φᵢ(x) / √P with φ = sin kπx, cos kπx and θᵢ ~ N(0, scale²). */
export function waves({ pairs, scale, amplitude }: FourierOptions, key: HostKey): (x: number) => number {
  const weights = Array.from(key.normal([2 * pairs]).data, (t) => (amplitude * Math.tanh(scale * t)) / Math.sqrt(2 * pairs))
  return (x) => {
    let sum = 0
    for (let k = 0; k < pairs; k++) {
      const angle = Math.PI * (k + 1) * x
      sum += weights[k]! * Math.sin(angle) + weights[pairs + k]! * Math.cos(angle)
    }
    return sum
  }
}

/** The regression of Qiu et al. 2023, section 3.3: a random sum of waves at random points with noise; `test` is the function itself. Inputs are raw. */
export function fourier(options: FourierOptions): Dataset {
  const { n, noise, test, seed } = options
  const key = hostKey(seed).fold('fourier')
  const f = waves(options, key.fold('theta'))
  const x = Array.from(key.fold('x').uniform([n]).data, (u) => 2 * u - 1)
  const errors = key.fold('noise').normal([n]).data
  const grid = Array.from({ length: test }, (_, i) => -1 + (2 * i) / (test - 1))
  return memory({
    task: 'regression',
    licence: 'generated, free of rights',
    splits: {
      train: { x: column(x), y: column(x.map((at, i) => f(at) + noise * errors[i]!)) },
      test: { x: column(grid), y: column(grid.map(f)) },
    },
  })
}
