/** The rank ⌈(n + 1)(1 − alpha)⌉ of the threshold among n sorted scores, counted from 1; above n there is none, and all is covered. */
export const conformalRank = (n: number, alpha: number): number => Math.max(1, Math.ceil((n + 1) * (1 - alpha) - 1e-9))

/** Mean coverage of a threshold from n scores, over calibration rows and new ones: rank / (n + 1), at most 1. */
export const expectedCoverage = (n: number, alpha: number): number => Math.min(1, conformalRank(n, alpha) / (n + 1))

/**
 * Probabilities [m + 1] that 0 … m of m trials succeed where their common probability is Beta(a, b): the beta-binomial distribution, from ratios of
 * neighbours, so that no gamma function is asked for.
 */
export function betaBinomial(m: number, a: number, b: number): Float64Array {
  const logs = new Float64Array(m + 1)
  for (let j = 0; j < m; j++) logs[j + 1] = logs[j]! + Math.log(((m - j) * (a + j)) / ((j + 1) * (b + m - j - 1)))
  const top = logs.reduce((x, y) => Math.max(x, y), -Infinity)
  const weights = logs.map((l) => Math.exp(l - top))
  const total = weights.reduce((x, y) => x + y, 0)
  return weights.map((w) => w / total)
}

export interface Band {
  readonly low: number
  readonly high: number
}

/**
 * Coverage on m new rows lies in here with probability `confidence` at least, where calibration and new rows are exchangeable and scores
 * distinct: the covered are beta-binomial with a = rank and b = n + 1 − rank (Vovk 2012). Exact; no approximation by a normal.
 */
export function coverageBand(n: number, m: number, alpha: number, confidence = 0.99): Band {
  const rank = conformalRank(n, alpha)
  if (rank > n) return { low: 1, high: 1 }
  const p = betaBinomial(m, rank, n + 1 - rank)
  const tail = (1 - confidence) / 2
  let [low, high] = [0, m]
  for (let sum = p[0]!; sum <= tail; sum += p[low]!) low++
  for (let sum = p[m]!; sum <= tail; sum += p[high]!) high--
  return { low: low / m, high: high / m }
}
