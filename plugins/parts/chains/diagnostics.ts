/** Mean and sample variance. */
function moments(x: ArrayLike<number>): { mean: number; variance: number } {
  let mean = 0
  for (let i = 0; i < x.length; i++) mean += x[i]! / x.length
  let variance = 0
  for (let i = 0; i < x.length; i++) variance += (x[i]! - mean) ** 2 / (x.length - 1)
  return { mean, variance }
}

/**
 * Potential scale reduction of chains of equal length, Gelman and Rubin 1992: √(((n−1)/n W + B/n)/W), W the mean variance within chains and B/n the
 * variance of their means. 1 where they agree.
 */
export function rHat(chains: readonly ArrayLike<number>[]): number {
  const n = chains[0]!.length
  const each = chains.map(moments)
  const within = each.reduce((s, m) => s + m.variance, 0) / each.length
  const between = moments(each.map((m) => m.mean)).variance
  return within === 0 ? (between === 0 ? 1 : Infinity) : Math.sqrt((n - 1) / n + between / within)
}

/** {@link rHat} of the halves of the chains, which also sees chains that drift (Vehtari et al. 2021). */
export function splitRHat(chains: readonly ArrayLike<number>[]): number {
  const half = Math.floor(chains[0]!.length / 2)
  const slice = (x: ArrayLike<number>, from: number): number[] => Array.from({ length: half }, (_, i) => x[from + i]!)
  return rHat(chains.flatMap((x) => [slice(x, 0), slice(x, x.length - half)]))
}

/** ρ_t for t = 0, 1, …, pooled over chains: 1 − (W − mean of the chains' covariances at t) / (variance of all). */
function autocorrelation(chains: readonly ArrayLike<number>[]): (lag: number) => number {
  const n = chains[0]!.length
  const each = chains.map(moments)
  const within = each.reduce((s, m) => s + m.variance, 0) / each.length
  const between = chains.length > 1 ? moments(each.map((m) => m.mean)).variance : 0
  const all = ((n - 1) / n) * within + between
  const covariance = (lag: number): number => {
    let sum = 0
    for (const [c, x] of chains.entries()) for (let i = 0; i + lag < n; i++) sum += (x[i]! - each[c]!.mean) * (x[i + lag]! - each[c]!.mean)
    return sum / (n * chains.length)
  }
  return (lag) => (lag === 0 ? 1 : 1 - (within * ((n - 1) / n) - covariance(lag)) / all)
}

/**
 * Draws that independent ones would be as good as: m n / (1 + 2 Σ ρ_t), pairs of ρ added while they are positive and made to fall (Geyer 1992;
 * Vehtari et al. 2021, section 3.2).
 */
export function effectiveSize(chains: readonly ArrayLike<number>[]): number {
  const n = chains[0]!.length
  const total = n * chains.length
  const rho = autocorrelation(chains)
  let [sum, last] = [0, Infinity]
  for (let t = 0; t + 1 < n; t += 2) {
    const pair = Math.min(last, rho(t) + rho(t + 1))
    if (!(pair > 0)) break
    sum += pair
    last = pair
  }
  const tau = 2 * sum - 1
  return Math.min(total * Math.log10(Math.max(total, 10)), total / Math.max(tau, 1 / Math.log10(Math.max(total, 10))))
}

/** Chains of the i-th number of each draw, all as long as the shortest. */
function traces(chains: readonly (readonly ArrayLike<number>[])[], i: number): Float64Array[] {
  const length = Math.min(...chains.map((draws) => draws.length))
  return chains.map((draws) => Float64Array.from({ length }, (_, t) => draws[t]![i]!))
}

/**
 * Largest split R-hat and smallest effective size among the numbers of the draws, [chain][draw][P]; of at most `most` of the P, evenly spaced. Undefined where a
 * chain has fewer than four draws.
 */
export function worstOf(
  chains: readonly (readonly ArrayLike<number>[])[],
  most = 1000,
): { readonly rHat: number; readonly effective: number } | undefined {
  if (chains.length === 0 || Math.min(...chains.map((draws) => draws.length)) < 4) return undefined
  const size = chains[0]![0]!.length
  const count = Math.min(size, most)
  let [rHat, effective] = [0, Infinity]
  for (let k = 0; k < count; k++) {
    const trace = traces(chains, Math.floor((k * size) / count))
    rHat = Math.max(rHat, splitRHat(trace))
    effective = Math.min(effective, effectiveSize(trace))
  }
  return { rHat, effective }
}
