import gammaln from '@stdlib/math-base-special-gammaln'
import { klInverse } from './kl-inverse.js'

/** ln binom(n, k), nats. */
export const logBinomial = (n: number, k: number): number => gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

/**
 * Sample compression in Chernoff's form: a hypothesis rebuilt from k of n examples and a message of `nats` errs on the n − k others with
 * frequency `mean`; kl⁻¹(mean, (ln binom(n, k) + ln n + nats + ln 1/delta) / (n − k)) (Littlestone and Warmuth 1986; Langford 2005).
 */
export const sampleCompression = (mean: number, k: number, n: number, delta: number, nats = 0): number =>
  klInverse(mean, (logBinomial(n, k) + Math.log(n) + nats - Math.log(delta)) / (n - k))
