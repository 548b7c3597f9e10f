import { InputError } from 'ockham'

/** Refuses what has no order, and classes without examples, of which no rate can be said. Throws `OCK-EVAL-006`. */
function checkScores(positive: ArrayLike<number>, negative: ArrayLike<number>): void {
  const refuse = (what: string, where: string): never => {
    throw new InputError({ code: 'OCK-EVAL-006', what, where, remedy: 'rank at least one score of each class, none of them NaN' })
  }
  for (const [where, scores] of Object.entries({ positive, negative })) {
    if (scores.length === 0) refuse('there are no scores to rank', where)
    for (let i = 0; i < scores.length; i++) if (Number.isNaN(scores[i])) refuse('a score is NaN, which has no rank', `${where}, row ${i}`)
  }
}

/** Scores in descending order with, at each distinct one, how many positives and negatives score at least that. */
function thresholds(positive: ArrayLike<number>, negative: ArrayLike<number>): { readonly tp: number; readonly fp: number }[] {
  checkScores(positive, negative)
  const p = Float64Array.from(positive).sort().reverse()
  const n = Float64Array.from(negative).sort().reverse()
  const steps: { tp: number; fp: number }[] = []
  let [tp, fp] = [0, 0]
  while (tp < p.length || fp < n.length) {
    const score = Math.max(p[tp] ?? -Infinity, n[fp] ?? -Infinity)
    while (tp < p.length && p[tp] === score) tp++
    while (fp < n.length && n[fp] === score) fp++
    steps.push({ tp, fp })
  }
  return steps
}

/** Probability that a positive scores above a negative, ties counted one half: area under the ROC curve. Throws `OCK-EVAL-006`. */
export function auroc(positive: ArrayLike<number>, negative: ArrayLike<number>): number {
  let area = 0
  let before = { tp: 0, fp: 0 }
  for (const at of thresholds(positive, negative)) {
    area += ((at.fp - before.fp) * (at.tp + before.tp)) / 2
    before = at
  }
  return area / (positive.length * negative.length)
}

/** False positive rate at the highest threshold that finds at least the share `recall` of the positives. */
export function falsePositiveRate(positive: ArrayLike<number>, negative: ArrayLike<number>, recall = 0.95): number {
  const found = thresholds(positive, negative).find(({ tp }) => tp >= recall * positive.length)
  return (found?.fp ?? negative.length) / negative.length
}

/** Average precision, Σ (recall_k − recall_{k−1}) precision_k over distinct thresholds: area under the precision-recall curve. */
export function averagePrecision(positive: ArrayLike<number>, negative: ArrayLike<number>): number {
  let area = 0
  let before = 0
  for (const { tp, fp } of thresholds(positive, negative)) {
    area += ((tp - before) * tp) / (tp + fp)
    before = tp
  }
  return area / positive.length
}
