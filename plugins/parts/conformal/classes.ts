/*
 * Scores of classes. THR: Sadinle, Lei, Wasserman 2019. APS: Romano, Sesia, Candès 2020. RAPS: Angelopoulos, Bates, Malik, Jordan 2021.
 */

export const classScores = ['thr', 'aps', 'raps'] as const

export type ClassScore = (typeof classScores)[number]

/** How APS and RAPS are told: the penalty a rank beyond `rank`. */
export interface Penalty {
  readonly penalty: number
  readonly rank: number
}

/** 1 − p of every class: [n · C] → [n · C]. */
export const thresholdScores = (probabilities: ArrayLike<number>): Float64Array => Float64Array.from(probabilities, (p) => 1 - p)

/**
 * Probability of all classes at least as probable as each, the class itself counted for 1 − u, plus `penalty` for every rank beyond `rank`:
 * [n · C] → [n · C]. `u` holds one uniform number a row; zeros make it deterministic. Equals rank by their order.
 */
export function adaptiveScores(
  probabilities: ArrayLike<number>,
  classes: number,
  u: ArrayLike<number>,
  { penalty, rank }: Penalty = { penalty: 0, rank: 1 },
): Float64Array {
  const out = new Float64Array(probabilities.length)
  const order = Array.from({ length: classes }, (_, c) => c)
  for (let from = 0, i = 0; from < out.length; from += classes, i++) {
    order.sort((a, b) => probabilities[from + b]! - probabilities[from + a]! || a - b)
    let sum = 0
    order.forEach((c, at) => {
      const p = probabilities[from + c]!
      sum += p
      out[from + c] = sum - u[i]! * p + penalty * Math.max(0, at + 1 - rank)
    })
  }
  return out
}

/** The classes whose score is at most the threshold, and whether the label is one, of each row. */
export function setsOf(
  scores: ArrayLike<number>,
  classes: number,
  labels: ArrayLike<number>,
  threshold: number,
): { readonly sizes: Int32Array; readonly covered: Uint8Array } {
  const sizes = new Int32Array(labels.length)
  const covered = new Uint8Array(labels.length)
  for (let i = 0; i < labels.length; i++) {
    for (let c = 0; c < classes; c++) if (scores[i * classes + c]! <= threshold) sizes[i]!++
    covered[i] = scores[i * classes + labels[i]!]! <= threshold ? 1 : 0
  }
  return { sizes, covered }
}

/** The score of each row's label. */
export const ofLabels = (scores: ArrayLike<number>, classes: number, labels: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: labels.length }, (_, i) => scores[i * classes + labels[i]!]!)
