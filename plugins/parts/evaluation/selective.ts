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
