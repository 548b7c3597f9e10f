/** The most probable class of each row [n], the first of equals, and its probability. */
export function decisions(
  probabilities: ArrayLike<number>,
  classes: number,
): { readonly predicted: Int32Array; readonly confidence: Float64Array } {
  const n = probabilities.length / classes
  const predicted = new Int32Array(n)
  const confidence = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let best = 0
    for (let c = 1; c < classes; c++) if (probabilities[i * classes + c]! > probabilities[i * classes + best]!) best = c
    predicted[i] = best
    confidence[i] = probabilities[i * classes + best]!
  }
  return { predicted, confidence }
}

/** 1 where the prediction is right, else 0. */
export const correctness = (predicted: ArrayLike<number>, labels: ArrayLike<number>): Uint8Array =>
  Uint8Array.from({ length: predicted.length }, (_, i) => (predicted[i] === labels[i] ? 1 : 0))

/** Mean of an array; NaN of an empty one. */
export function mean(x: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i]!
  return sum / x.length
}
