import { goldenSection } from '../linalg/index.js'

/** Smoothing weights that a bound may choose among, declared in advance (Lotfi et al. 2024). */
export const alphaGrid: readonly number[] = [1e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.25, 0.5]

/** Interval of the loss −log₂((1 − α) p + α/V), bits, and its width Δ(α) = log₂(1 + (1 − α) V/α). */
export function smoothedRange(alpha: number, vocabulary: number): { readonly low: number; readonly high: number; readonly width: number } {
  return {
    // Rounding leaves 1 − α + α/V just below 1/V at α = 1.
    low: -Math.log2(1 - alpha + alpha / vocabulary),
    high: Math.log2(vocabulary / alpha),
    width: Math.log2(1 + ((1 - alpha) * vocabulary) / alpha),
  }
}

/** −log₂((1 − α) p + α/V), bits, for the probability p of what came: bounded however small p is. */
export const smoothedLoss = (p: number, alpha: number, vocabulary: number): number => -Math.log2((1 - alpha) * p + alpha / vocabulary)

/** Mean of the smoothed loss, bits. */
export function smoothedMean(probabilities: ArrayLike<number>, alpha: number, vocabulary: number): number {
  let sum = 0
  for (let i = 0; i < probabilities.length; i++) sum += smoothedLoss(probabilities[i]!, alpha, vocabulary)
  return sum / probabilities.length
}

/**
 * The α that makes mean loss + slack · Δ(α) least. Convex up to α = V/(2(V − 1)), where golden section finds the minimum; α = 1, at which
 * the bound is log₂ V without looking at data, is compared. What it gives must be paid for: use a grid, or {@link dyadicAlphas}.
 */
export function optimalAlpha(
  probabilities: ArrayLike<number>,
  vocabulary: number,
  slack: number,
): { readonly alpha: number; readonly value: number } {
  const at = (alpha: number): number => smoothedMean(probabilities, alpha, vocabulary) + slack * smoothedRange(alpha, vocabulary).width
  const convex = Math.min(1, vocabulary / (2 * (vocabulary - 1)))
  const alpha = Math.exp(goldenSection((log) => at(Math.exp(log)), Math.log(1e-9), Math.log(convex), 1e-9))
  return at(1) < at(alpha) ? { alpha: 1, value: at(1) } : { alpha, value: at(alpha) }
}

/** α = odd / 2^b for b = 1 … `bits` with what it costs to say which, b + 2⌊log₂ b⌋ bits: the choice of an α without a grid. */
export function dyadicAlphas(bits: number): { readonly alpha: number; readonly bits: number }[] {
  const all: { alpha: number; bits: number }[] = []
  for (let b = 1; b <= bits; b++)
    for (let odd = 1; odd < 2 ** b; odd += 2) all.push({ alpha: odd / 2 ** b, bits: b + 2 * Math.floor(Math.log2(b)) })
  return all
}

/** Width of a loss interval that changes from unit to unit: the root of the mean square, for Azuma's bound with predictable α. */
export const rootMeanSquareRange = (alphas: readonly number[], vocabulary: number): number =>
  Math.sqrt(alphas.reduce((sum, alpha) => sum + smoothedRange(alpha, vocabulary).width ** 2, 0) / alphas.length)
