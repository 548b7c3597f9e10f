import type { HostKey, Process, Value, Values } from 'ockham'
import { positive } from './kernels/constraint.js'
import { rowsOf, vector, widthOf } from './kernels/kernel.js'
import { dimensionsOf, outputsOf } from './process.js'

/** √(2/m) · cos(W x / ℓ + b) [n, m], and with `slope` its derivative in log ℓ. */
function features(hyper: Values, x: Value): { phi: Float64Array; slope: Float64Array; m: number } {
  const [frequencies, phases] = [hyper['fixed.frequencies']!.data, hyper['fixed.phases']!.data]
  const [n, d, m] = [rowsOf(x), widthOf(x), phases.length]
  const scales = hyper['lengthScale']!.data
  const [phi, slope] = [new Float64Array(n * m), new Float64Array(n * m)]
  const ell = positive.value(scales[0]!)
  const size = Math.sqrt(2 / m)
  for (let i = 0; i < n; i++)
    for (let k = 0; k < m; k++) {
      let along = 0
      for (let j = 0; j < d; j++) along += (frequencies[j * m + k]! * x.data[i * d + j]!) / ell
      phi[i * m + k] = size * Math.cos(along + phases[k]!)
      slope[i * m + k] = size * Math.sin(along + phases[k]!) * along
    }
  return { phi, slope, m }
}

const dotted = (a: Float64Array, i: number, b: Float64Array, j: number, m: number): number => {
  let sum = 0
  for (let k = 0; k < m; k++) sum += a[i * m + k]! * b[j * m + k]!
  return sum
}

/**
 * f(x) = w · φ(x), w ~ N(0, s I), with m random Fourier features of a squared exponential: Rahimi and Recht 2007. A process that is no
 * kernel method, of finite rank. Frequencies and phases are drawn once (`fixed.…`) and not learnt: their gradient is zero.
 */
export const randomFeatures = ({
  features: m,
  lengthScale,
  variance,
}: {
  features: number
  lengthScale: number
  variance: number
}): Process => ({
  init: (key: HostKey, meta) => ({
    mean: vector(new Float64Array(outputsOf(meta))),
    lengthScale: vector([positive.raw(lengthScale)]),
    variance: vector([positive.raw(variance)]),
    'fixed.frequencies': {
      shape: [dimensionsOf(meta), m],
      dtype: 'float64',
      data: Float64Array.from(key.fold('frequencies').normal([dimensionsOf(meta), m]).data),
    },
    'fixed.phases': vector(Float64Array.from(key.fold('phases').uniform([m]).data, (u) => 2 * Math.PI * u)),
  }),
  mean({ mean }, x) {
    const outputs = mean!.data.length
    const data = Float64Array.from({ length: rowsOf(x) * outputs }, (_, i) => mean!.data[i % outputs]!)
    return { shape: [rowsOf(x), outputs], dtype: 'float64', data }
  },
  covariance(hyper, a, b) {
    const [left, right] = [features(hyper, a), a === b ? undefined : features(hyper, b)]
    const [n, k, s] = [rowsOf(a), rowsOf(b), positive.value(hyper['variance']!.data[0]!)]
    const data = new Float64Array(n * k)
    for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) data[i * k + j] = s * dotted(left.phi, i, (right ?? left).phi, j, left.m)
    return { shape: [n, k], dtype: 'float64', data }
  },
  variance(hyper, x) {
    const { phi, m: width } = features(hyper, x)
    const s = positive.value(hyper['variance']!.data[0]!)
    return vector(Float64Array.from({ length: rowsOf(x) }, (_, i) => s * dotted(phi, i, phi, i, width)))
  },
  gradient(hyper, { mean, covariance = [], variance }) {
    const outputs = hyper['mean']!.data.length
    const byMean = new Float64Array(outputs)
    mean?.by.data.forEach((v: number, i: number) => (byMean[i % outputs]! += v))
    const s = positive.value(hyper['variance']!.data[0]!)
    let [byScale, byLength] = [0, 0]
    const pair = (l: ReturnType<typeof features>, i: number, r: ReturnType<typeof features>, j: number, g: number): void => {
      byScale += g * s * dotted(l.phi, i, r.phi, j, l.m)
      byLength += g * s * (dotted(l.slope, i, r.phi, j, l.m) + dotted(l.phi, i, r.slope, j, l.m))
    }
    for (const { a, b, by } of covariance) {
      const [l, r] = [features(hyper, a), features(hyper, b)]
      for (let i = 0; i < rowsOf(a); i++) for (let j = 0; j < rowsOf(b); j++) pair(l, i, r, j, by.data[i * rowsOf(b) + j]!)
    }
    if (variance) {
      const l = features(hyper, variance.x)
      for (let i = 0; i < rowsOf(variance.x); i++) pair(l, i, l, i, variance.by.data[i]!)
    }
    const fixed = (name: string): Value => ({ ...hyper[name]!, data: new Float64Array(hyper[name]!.data.length) })
    return {
      mean: vector(byMean),
      lengthScale: vector([byLength]),
      variance: vector([byScale]),
      'fixed.frequencies': fixed('fixed.frequencies'),
      'fixed.phases': fixed('fixed.phases'),
    }
  },
})
