import type { ReliabilityBin } from '../figures/index.js'

/** `right`: a bin holds its upper edge, and the first holds 0 too. `left`: it holds its lower edge, so a confidence of exactly 1 falls in none. */
export type Edges = 'right' | 'left'

/** The bin of a confidence among `bins` of equal width; `bins` where it falls in none. */
function binOf(confidence: number, bins: number, edges: Edges): number {
  // Edges are the numbers b / bins; the product is only a first guess, since it rounds.
  let b = Math.min(bins - 1, Math.floor(confidence * bins))
  if (edges === 'right') {
    while (b > 0 && confidence <= b / bins) b--
    while (b < bins - 1 && confidence > (b + 1) / bins) b++
    return b
  }
  while (b > 0 && confidence < b / bins) b--
  while (b < bins && confidence >= (b + 1) / bins) b++
  return b
}

/** Predictions in `bins` of equal width by their confidence [n]; `correct` [n] is 1 where a prediction is right. */
export function reliability(
  confidence: ArrayLike<number>,
  correct: ArrayLike<number>,
  bins = 15,
  edges: Edges = 'right',
): ReliabilityBin[] {
  const count = new Float64Array(bins)
  const sure = new Float64Array(bins)
  const right = new Float64Array(bins)
  for (let i = 0; i < confidence.length; i++) {
    const b = binOf(confidence[i]!, bins, edges)
    if (b === bins) continue
    count[b]!++
    sure[b]! += confidence[i]!
    right[b]! += correct[i]!
  }
  return Array.from(count, (n, b) => ({
    lower: b / bins,
    upper: (b + 1) / bins,
    count: n,
    confidence: n > 0 ? sure[b]! / n : null,
    accuracy: n > 0 ? right[b]! / n : null,
  }))
}

/**
 * Expected calibration error, Σ_b n_b/n |confidence_b − accuracy_b| (Naeini, Cooper, Hauskrecht 2015; Guo et al. 2017), where n counts
 * what is in a bin.
 */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  const n = bins.reduce((sum, b) => sum + b.count, 0)
  return bins.reduce((sum, b) => (b.count > 0 ? sum + (b.count / n) * Math.abs(b.confidence! - b.accuracy!) : sum), 0)
}

const gaps = (bins: readonly ReliabilityBin[]): { readonly share: number; readonly gap: number }[] => {
  const n = bins.reduce((sum, b) => sum + b.count, 0)
  return bins.flatMap((b) => (b.count > 0 ? [{ share: b.count / n, gap: Math.abs(b.confidence! - b.accuracy!) }] : []))
}

/** Largest |confidence_b − accuracy_b| of a bin that holds something. */
export const maximumCalibrationError = (bins: readonly ReliabilityBin[]): number =>
  gaps(bins).reduce((most, { gap }) => Math.max(most, gap), 0)

/** Root of Σ_b n_b/n (confidence_b − accuracy_b)². */
export const rmsCalibrationError = (bins: readonly ReliabilityBin[]): number =>
  Math.sqrt(gaps(bins).reduce((sum, { share, gap }) => sum + share * gap * gap, 0))

/** Expected calibration error over `bins` of as equal counts as can be, by order of confidence; equal confidences stay in the order given. */
export function adaptiveCalibrationError(confidence: ArrayLike<number>, correct: ArrayLike<number>, bins = 15): number {
  const n = confidence.length
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => confidence[a]! - confidence[b]!)
  let sum = 0
  for (let b = 0; b < bins; b++)
    sum += Math.abs(
      order.slice(Math.floor((b * n) / bins), Math.floor(((b + 1) * n) / bins)).reduce((gap, i) => gap + confidence[i]! - correct[i]!, 0),
    )
  return sum / n
}
