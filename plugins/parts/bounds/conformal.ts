/**
 * Threshold of split conformal prediction: the ⌈(n + 1)(1 − alpha)⌉-th smallest score, ∞ where that is more than n. Sets { score ≤ threshold }
 * cover a new label with probability in [1 − alpha, 1 − alpha + 1/(n + 1)] where scores are exchangeable and distinct (Vovk et al. 2005).
 */
export function conformalThreshold(scores: ArrayLike<number>, alpha: number): number {
  const rank = Math.ceil((scores.length + 1) * (1 - alpha) - 1e-9)
  return rank > scores.length ? Infinity : Float64Array.from(scores).sort()[Math.max(1, rank) - 1]!
}

/**
 * Conformal risk control (Angelopoulos et al. 2024): the first of ordered settings whose calibration losses satisfy
 * n/(n + 1) mean + ceiling/(n + 1) ≤ alpha; then the expected loss of a new example is at most alpha, where examples are exchangeable and a
 * loss never grows from one setting to the next. `losses[s]` are those of setting s, in [0, ceiling]. −1 where no setting does it.
 */
export function conformalRiskControl(losses: readonly ArrayLike<number>[], alpha: number, ceiling = 1): number {
  return losses.findIndex((of) => {
    let sum = 0
    for (let i = 0; i < of.length; i++) sum += of[i]!
    return (sum + ceiling) / (of.length + 1) <= alpha
  })
}
