/** −Σ p log p of each row, nats, with 0 log 0 = 0: probabilities [n · classes] → [n]. */
export function entropy(probabilities: ArrayLike<number>, classes: number): Float64Array {
  const out = new Float64Array(probabilities.length / classes)
  for (let i = 0; i < out.length; i++) {
    let sum = 0
    for (let c = i * classes; c < (i + 1) * classes; c++) {
      const p = probabilities[c]!
      if (p > 0) sum -= p * Math.log(p)
    }
    out[i] = sum
  }
  return out
}
