/** kl(q‖p) = q log(q/p) + (1 − q) log((1 − q)/(1 − p)), nats, with 0 log 0 = 0; q and p in [0, 1]. */
export function binaryKl(q: number, p: number): number {
  const first = q === 0 ? 0 : q * Math.log(q / p)
  // log(1 − p) by log1p keeps digits where p is small.
  const second = q === 1 ? 0 : (1 - q) * (Math.log1p(-q) - Math.log1p(-p))
  return Math.max(0, first + second)
}

/**
 * Largest p ≥ q with kl(q‖p) ≤ c: what a mean of [0, 1] losses can be where q is observed (Chernoff's bound inverted; with
 * c = log(1/delta)/n it holds with probability 1 − delta, Langford 2005). By bisection to the last bit, from above, so that the
 * result is never below the root.
 */
export function klInverse(q: number, c: number): number {
  if (q >= 1) return 1
  if (c <= 0) return q
  let low = q
  let high = 1
  for (let i = 0; i < 200; i++) {
    const middle = low + (high - low) / 2
    if (middle <= low || middle >= high) break
    if (binaryKl(q, middle) <= c) low = middle
    else high = middle
  }
  return high
}
