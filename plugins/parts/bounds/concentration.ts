/** Hoeffding's upper bound on the mean of [0, 1] losses, mean + √(log(1/delta) / 2n) (Hoeffding 1963). May exceed 1. */
export const hoeffding = (mean: number, n: number, delta: number): number => mean + Math.sqrt(-Math.log(delta) / (2 * n))

/**
 * Empirical Bernstein upper bound on the mean of [0, 1] losses, mean + √(2 v log(2/delta) / n) + 7 log(2/delta) / (3 (n − 1)), with v the unbiased
 * sample variance (Maurer, Pontil 2009, theorem 4). May exceed 1.
 */
export function empiricalBernstein(mean: number, variance: number, n: number, delta: number): number {
  const log = Math.log(2 / delta)
  return mean + Math.sqrt((2 * variance * log) / n) + (7 * log) / (3 * (n - 1))
}
