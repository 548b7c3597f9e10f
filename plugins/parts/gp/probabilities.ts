import type { HostKey, Value } from 'ockham'
import { matrix } from '../linalg/index.js'
import type { Latent } from './condition.js'

/** Half the width of the integral in standard deviations: what is left out is below 1e-16. */
const reach = 8.3

/**
 * E σ(z) for z ~ N(mean, variance), to 1e-11. σ(mean) is another number: the average shrinks towards one half. By the trapezoidal rule,
 * whose error falls as exp(−2π²/h√variance), σ being analytic up to ±iπ; 64 Gauss–Hermite nodes err by 3e-8 at a variance of 8.
 */
export function averagedSigmoid(mean: number, variance: number): number {
  const spread = Math.sqrt(variance)
  const steps = Math.ceil(reach / Math.min(0.5, 0.7 / spread))
  const h = reach / steps
  let [sum, total] = [0, 0]
  for (let j = -steps; j <= steps; j++) {
    const weight = Math.exp(-0.5 * (j * h) ** 2)
    total += weight
    sum += weight / (1 + Math.exp(-(mean + spread * j * h)))
  }
  return sum / total
}

/** Probabilities [n, 2] of two classes whose latent functions are independent normals: one integral a row. */
export function twoClasses({ mean, variance }: Latent): Value {
  const n = mean.shape[0]!
  const data = new Float64Array(2 * n)
  for (let i = 0; i < n; i++) {
    const p = averagedSigmoid(mean.data[2 * i + 1]! - mean.data[2 * i]!, variance.data[2 * i]! + variance.data[2 * i + 1]!)
    data[2 * i] = 1 - p
    data[2 * i + 1] = p
  }
  return matrix([n, 2], data)
}

/** Softmax of each draw of the latent functions [samples, n, C]; `members` averaged are the probabilities [n, C]. */
export function drawnClasses({ mean, variance }: Latent, samples: number, key: HostKey): { probabilities: Value; members: Value } {
  const [n, classes] = mean.shape as [number, number]
  const z = key.normal([samples, n, classes]).data
  const members = new Float64Array(samples * n * classes)
  const probabilities = new Float64Array(n * classes)
  for (let row = 0; row < samples * n; row++) {
    const i = row % n
    const f = Float64Array.from({ length: classes }, (_, c) => {
      const at = i * classes + c
      return mean.data[at]! + Math.sqrt(variance.data[at]!) * z[row * classes + c]!
    })
    const top = f.reduce((a, b) => Math.max(a, b))
    const e = f.map((v) => Math.exp(v - top))
    const total = e.reduce((a, b) => a + b)
    for (let c = 0; c < classes; c++) {
      members[row * classes + c] = e[c]! / total
      probabilities[i * classes + c]! += e[c]! / total / samples
    }
  }
  return { probabilities: matrix([n, classes], probabilities), members: matrix([samples, n, classes], members) }
}
