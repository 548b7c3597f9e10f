import { choleskyJittered, matrix, solveLower } from '../linalg/index.js'

/** −log Σ exp of each row of logits: the free energy (Liu, Wang, Owens, Li 2020). Larger where no class speaks. */
export function energies(logits: ArrayLike<number>, classes: number): Float64Array {
  return Float64Array.from({ length: logits.length / classes }, (_, i) => {
    let top = -Infinity
    for (let c = 0; c < classes; c++) top = Math.max(top, logits[i * classes + c]!)
    let sum = 0
    for (let c = 0; c < classes; c++) sum += Math.exp(logits[i * classes + c]! - top)
    return -top - Math.log(sum)
  })
}

/** Minus the largest logit of each row. */
export const negativeMaxLogits = (logits: ArrayLike<number>, classes: number): Float64Array =>
  Float64Array.from({ length: logits.length / classes }, (_, i) => {
    let top = -Infinity
    for (let c = 0; c < classes; c++) top = Math.max(top, logits[i * classes + c]!)
    return -top
  })

/**
 * The squared Mahalanobis distance to the nearest class mean, under one covariance within classes (Lee, Lee, Lee, Shin 2018), of features [n · width], both
 * learnt from the features and labels of training rows. A covariance that is singular gets the least jitter that helps.
 */
export function mahalanobis(
  train: { readonly features: Float64Array; readonly labels: ArrayLike<number> },
  width: number,
): (features: Float64Array) => Float64Array {
  const means = new Map<number, { count: number; sum: Float64Array }>()
  const rows = train.labels.length
  for (let i = 0; i < rows; i++) {
    const at = means.get(train.labels[i]!) ?? { count: 0, sum: new Float64Array(width) }
    means.set(train.labels[i]!, at)
    at.count++
    for (let d = 0; d < width; d++) at.sum[d]! += train.features[i * width + d]!
  }
  const centres = [...means].map(([label, { count, sum }]) => [label, sum.map((v) => v / count)] as const)
  const of = new Map(centres)
  const covariance = new Float64Array(width * width)
  for (let i = 0; i < rows; i++) {
    const centre = of.get(train.labels[i]!)!
    for (let a = 0; a < width; a++) {
      const gap = (train.features[i * width + a]! - centre[a]!) / rows
      for (let b = 0; b <= a; b++) covariance[a * width + b]! += gap * (train.features[i * width + b]! - centre[b]!)
    }
  }
  for (let a = 0; a < width; a++) for (let b = 0; b < a; b++) covariance[b * width + a] = covariance[a * width + b]!
  const { factor } = choleskyJittered(matrix([width, width], covariance), { where: 'features' })
  return (features) => {
    const n = features.length / width
    const nearest = new Float64Array(n).fill(Infinity)
    for (const [, centre] of centres) {
      const gaps = matrix([width, n])
      for (let i = 0; i < n; i++) for (let d = 0; d < width; d++) gaps.data[d * n + i] = features[i * width + d]! - centre[d]!
      const white = solveLower(factor, gaps).data
      for (let i = 0; i < n; i++) {
        let sum = 0
        for (let d = 0; d < width; d++) sum += white[d * n + i]! ** 2
        nearest[i] = Math.min(nearest[i]!, sum)
      }
    }
    return nearest
  }
}
