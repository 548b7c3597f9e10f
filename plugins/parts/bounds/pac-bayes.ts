import { goldenSection } from '../linalg/index.js'
import { klInverse } from './kl-inverse.js'

/** KL and ln(2√n/delta), nats: the complexity of Maurer's form (2004), valid for n ≥ 8. */
const maurer = (kl: number, n: number, delta: number): number => kl + Math.log((2 * Math.sqrt(n)) / delta)

/**
 * PAC-Bayes-kl: the mean risk under Q is at most kl⁻¹(mean, (KL(Q‖P) + ln(2√n/delta)) / n) for all Q at once; losses in [0, 1], P fixed
 * before the n examples are seen (Langford and Seeger 2001; Maurer 2004).
 */
export const pacBayesKl = (mean: number, kl: number, n: number, delta: number): number => klInverse(mean, maurer(kl, n, delta) / n)

/** McAllester's bound in Maurer's form, mean + √((KL + ln(2√n/delta)) / 2n). */
export const mcAllester = (mean: number, kl: number, n: number, delta: number): number => mean + Math.sqrt(maurer(kl, n, delta) / (2 * n))

/** The older form, mean + √((KL + ln(n/delta)) / (2n − 1)), which code of Lotfi et al. uses (McAllester 1999). */
export const mcAllester1999 = (mean: number, kl: number, n: number, delta: number): number =>
  mean + Math.sqrt((kl + Math.log(n / delta)) / (2 * n - 1))

/** The quadratic bound (√(mean + B) + √B)², B = (KL + ln(2√n/delta)) / 2n (Rivasplata et al. 2019). */
export function quadratic(mean: number, kl: number, n: number, delta: number): number {
  const b = maurer(kl, n, delta) / (2 * n)
  return (Math.sqrt(mean + b) + Math.sqrt(b)) ** 2
}

/**
 * The bound of Thiemann et al. (2017), mean / (1 − λ/2) + (KL + ln(2√n/delta)) / (n λ (1 − λ/2)), which holds for all λ in (0, 2) at once, at
 * its best λ.
 */
export function thiemann(mean: number, kl: number, n: number, delta: number): { readonly value: number; readonly lambda: number } {
  const complexity = maurer(kl, n, delta)
  const lambda = 2 / (Math.sqrt((2 * n * mean) / complexity + 1) + 1)
  return { value: (mean + complexity / (n * lambda)) / (1 - lambda / 2), lambda }
}

/** Catoni's map (1 − e^{−a q}) / (1 − e^{−a}) (Catoni 2007, theorem 1.2.6); q as a tends to 0. */
export const catoniMap = (a: number, q: number): number => (a === 0 ? q : Math.expm1(-a * q) / Math.expm1(-a))

/** Catoni's bound at a γ fixed in advance: the map at a = γ/n of mean + (KL + ln 1/delta) / γ. */
export const catoni = (mean: number, kl: number, n: number, delta: number, gamma: number): number =>
  catoniMap(gamma / n, mean + (kl - Math.log(delta)) / gamma)

/**
 * Catoni's bound at the best γ = (1 + ε)^j, j = 0, 1, 2, …, each paid for with 2 ln(2 + j) nats and a factor 1 + ε, as in Lotfi et al. 2022.
 * Unimodal in ln γ; found by golden section and compared with the neighbours on the grid.
 */
export function catoniOptimised(
  mean: number,
  kl: number,
  n: number,
  delta: number,
  epsilon = 1e-4,
): { readonly value: number; readonly gamma: number } {
  const ratio = Math.log1p(epsilon)
  const at = (j: number): number => {
    const gamma = Math.exp(j * ratio)
    const price = kl - Math.log(delta) + 2 * Math.log(2 + j)
    return catoniMap(gamma / n, mean + ((1 + epsilon) * price) / gamma)
  }
  const found = Math.round(goldenSection(at, 0, (4 + Math.log(n)) / ratio, 0.25))
  const j = [found - 1, found, found + 1].filter((i) => i >= 0).reduce((best, i) => (at(i) < at(best) ? i : best))
  return { value: at(j), gamma: Math.exp(j * ratio) }
}

/**
 * KL(N(μ, diag σ²) ‖ N(μ₀, diag σ₀²)) in nats, ½ Σ (σ²/σ₀² + (μ − μ₀)²/σ₀² − 1 − ln σ²/σ₀²); arrays of one length, variances of the prior one a
 * parameter or one for all.
 */
export function gaussianKl(
  mean: ArrayLike<number>,
  variance: ArrayLike<number>,
  priorMean: ArrayLike<number>,
  priorVariance: ArrayLike<number> | number,
): number {
  let sum = 0
  for (let i = 0; i < mean.length; i++) {
    const prior = typeof priorVariance === 'number' ? priorVariance : priorVariance[i]!
    const ratio = variance[i]! / prior
    sum += ratio + (mean[i]! - priorMean[i]!) ** 2 / prior - 1 - Math.log(ratio)
  }
  return sum / 2
}

/**
 * Price in nats of the prior's scale chosen after seeing the data among λ = c e^{−j/b}, j = 1, 2, …: 2 ln(b ln(c/λ)) + ln(π²/6)
 * (Dziugaite and Roy 2017, equation 7).
 */
export const scalePrice = (lambda: number, precision = 100, ceiling = 0.1): number =>
  2 * Math.log(precision * Math.log(ceiling / lambda)) + Math.log(Math.PI ** 2 / 6)
