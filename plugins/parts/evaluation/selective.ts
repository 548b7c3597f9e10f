/** Quantile of sorted numbers, linear between neighbours: position t (n − 1) for t in [0, 1]. */
export function quantile(sorted: ArrayLike<number>, t: number): number {
  const at = t * (sorted.length - 1)
  const below = Math.floor(at)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!)
}

/** Percent of the predictions that are kept: 100, 99, …, 1, 0.1. */
const percents = [...Array.from({ length: 100 }, (_, i) => 100 - i), 0.1]

/** Accuracy of the predictions whose uncertainty is at most its t-th percentile, for t = 100, 99, …, 1, 0.1 percent. */
export function selectiveCurve(
  uncertainty: ArrayLike<number>,
  correct: ArrayLike<number>,
): { readonly coverage: number; readonly accuracy: number }[] {
  const order = Array.from({ length: uncertainty.length }, (_, i) => i).sort((a, b) => uncertainty[a]! - uncertainty[b]!)
  const sorted = order.map((i) => uncertainty[i]!)
  const right = [0]
  for (const i of order) right.push(right[right.length - 1]! + correct[i]!)
  let kept = sorted.length
  return percents.map((coverage) => {
    const most = quantile(sorted, coverage / 100)
    while (kept > 1 && sorted[kept - 1]! > most) kept--
    return { coverage, accuracy: right[kept]! / kept }
  })
}

/** Area under accuracy against coverage in percent, by the trapezoidal rule; 99.9 where all is right. */
export function selectiveArea(curve: readonly { readonly coverage: number; readonly accuracy: number }[]): number {
  let area = 0
  for (let i = 1; i < curve.length; i++)
    area += (curve[i - 1]!.coverage - curve[i]!.coverage) * ((curve[i - 1]!.accuracy + curve[i]!.accuracy) / 2)
  return area
}

/** Share of wrong ones among the k most certain, for k = 1 … n. */
export function risks(uncertainty: ArrayLike<number>, correct: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: uncertainty.length }, (_, i) => i).sort((a, b) => uncertainty[a]! - uncertainty[b]!)
  let wrong = 0
  return Float64Array.from(order, (i, k) => (wrong += 1 - correct[i]!) / (k + 1))
}

/** Area under risk against coverage: the mean of the risks (Geifman, El-Yaniv 2017). */
export const riskCoverageArea = (risk: ArrayLike<number>): number => Float64Array.from(risk).reduce((a, b) => a + b, 0) / risk.length

/** The same by the trapezoidal rule between coverages 1/n and 1, divided by 1 − 1/n. */
export function riskCoverageTrapezoid(risk: ArrayLike<number>): number {
  let sum = 0
  for (let k = 1; k < risk.length; k++) sum += (risk[k - 1]! + risk[k]!) / 2
  return sum / (risk.length - 1)
}

/** Area under risk × coverage, the share that is kept and wrong, by the trapezoidal rule as above (Traub et al. 2024). */
export const generalisedRiskArea = (risk: ArrayLike<number>): number =>
  riskCoverageTrapezoid(Float64Array.from(risk, (r, k) => (r * (k + 1)) / risk.length))
