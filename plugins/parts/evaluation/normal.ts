/** Distribution function of the standard normal, by its series φ(x) Σ x^(2k+1) / (1·3·5 ⋯ (2k+1)); 0 or 1 beyond 12 deviations. */
export function normalCdf(x: number): number {
  if (Math.abs(x) > 12) return x > 0 ? 1 : 0
  let [sum, term] = [0, x]
  for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(sum); k++) {
    sum += term
    term *= (x * x) / (2 * k + 1)
  }
  return 0.5 + (sum * Math.exp(-(x * x) / 2)) / Math.sqrt(2 * Math.PI)
}

/** The number that a standard normal is below with probability p, by halving. */
export function normalQuantile(p: number): number {
  let [low, high] = [-12, 12]
  while (high - low > 1e-13) {
    const middle = (low + high) / 2
    if (normalCdf(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}
