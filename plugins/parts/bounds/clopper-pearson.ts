import quantile from '@stdlib/stats-base-dists-beta-quantile'

/**
 * Upper bound on an error probability from `errors` in `n` independent trials: the 1 − delta quantile of Beta(errors + 1, n − errors).
 * Exact: the largest p under which as few errors have probability delta (Clopper, Pearson 1934, one side). 1 where all trials err.
 */
export const clopperPearson = (errors: number, n: number, delta: number): number =>
  errors >= n ? 1 : quantile(1 - delta, errors + 1, n - errors)
