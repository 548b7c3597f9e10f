/** Where a warm-up collects variances: from step `first` on, in windows that end before the steps in `ends`. */
export interface Windows {
  readonly first: number
  readonly ends: readonly number[]
}

/**
 * Windows in which the mass is learnt, as Stan has them (Stan reference manual, "HMC algorithm parameters"): the first 75 and the last 50 steps adapt the step
 * alone, between them windows of 25, 50, 100, … steps, the last of which takes what is left. Where the warm-up is shorter than 150 the three are 15, 75 and 10 %.
 */
export function windowsOf(warmup: number): Windows {
  if (warmup < 20) return { first: warmup, ends: [] }
  const short = warmup < 150
  const first = short ? Math.floor(0.15 * warmup) : 75
  const last = warmup - (short ? Math.floor(0.1 * warmup) : 50)
  const ends: number[] = []
  for (let [at, size] = [first, short ? last - first : 25]; at < last; size *= 2) {
    // A window whose successor would not fit takes the rest.
    at = at + 3 * size > last ? last : at + size
    ends.push(at)
  }
  return { first, ends }
}

/** Running mean and sum of squared deviations of positions, Welford 1962. */
export interface Spread {
  readonly count: number
  readonly mean: Float64Array
  readonly squares: Float64Array
}

export const noSpread = (size: number): Spread => ({ count: 0, mean: new Float64Array(size), squares: new Float64Array(size) })

export function withPosition({ count, mean, squares }: Spread, position: Float64Array): Spread {
  const n = count + 1
  const next = mean.map((m, i) => m + (position[i]! - m) / n)
  return { count: n, mean: next, squares: squares.map((s, i) => s + (position[i]! - mean[i]!) * (position[i]! - next[i]!)) }
}

/** 1/m: sample variances, drawn towards 10⁻³ as if by five more draws, as in Stan. */
export const inverseMassOf = ({ count, squares }: Spread): Float64Array =>
  squares.map((s) => (count / (count + 5)) * (s / Math.max(1, count - 1)) + 1e-3 * (5 / (count + 5)))
