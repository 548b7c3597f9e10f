/** Kernel (c² + ‖x − y‖²)^β, −1 < β < 0: with it the discrepancy of draws goes to 0 just where they come to follow the law. */
export interface SteinKernel {
  readonly c?: number
  readonly beta?: number
}

/**
 * How far draws are from a law of which only the slope of its log density is known, Gorham and Mackey 2017, section 3: the root of the mean over all pairs of
 * draws, each with itself too, of ⟨s, s′⟩ k + ⟨s, ∇′k⟩ + ⟨s′, ∇k⟩ + tr ∇∇′k. It needs no other draws to compare with, and sees a sampler's bias, which
 * R-hat does not: chains may agree on a wrong law.
 * `draws` are n vectors [P], `scores` the gradients of the log density there. n² P operations.
 */
export function steinDiscrepancy(
  draws: readonly ArrayLike<number>[],
  scores: readonly ArrayLike<number>[],
  { c = 1, beta = -0.5 }: SteinKernel = {},
): number {
  const [n, size] = [draws.length, draws[0]?.length ?? 0]
  const pair = (i: number, j: number): number => {
    const [x, y, s, t] = [draws[i]!, draws[j]!, scores[i]!, scores[j]!]
    let [apart, slopes, along] = [0, 0, 0]
    for (let d = 0; d < size; d++) {
      const r = x[d]! - y[d]!
      apart += r * r
      slopes += s[d]! * t[d]!
      along += (t[d]! - s[d]!) * r
    }
    const u = c * c + apart
    const slope = 2 * beta * u ** (beta - 1)
    return slopes * u ** beta + along * slope - size * slope - 2 * (beta - 1) * slope * (apart / u)
  }
  let sum = 0
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) sum += (i === j ? 1 : 2) * pair(i, j)
  return Math.sqrt(Math.max(0, sum)) / n
}
