/** What is drawn independently in text. */
export type Unit = 'document' | 'sequence' | 'token'

/** Positions that a pass over a long text scores: it reads tokens [start, end) and scores the targets of [from, end). */
export interface Window {
  readonly start: number
  readonly end: number
  readonly from: number
}

/**
 * Passes that score every position of `inputs` tokens with as much context as fits: one where they fit into a block; else a first whole
 * block, then blocks moved on by `stride` that score their new positions alone: 1 + ⌈(inputs − block) / stride⌉.
 */
export function windows(inputs: number, block = 1024, stride = 100): Window[] {
  const first = { start: 0, end: Math.min(inputs, block), from: 0 }
  const all: Window[] = [first]
  for (let done = first.end; done < inputs;) {
    const end = Math.min(inputs, done + stride)
    all.push({ start: end - block, end, from: done })
    done = end
  }
  return all
}

/**
 * Losses by unit from losses by token of documents: a document's mean, the means of sequences of `length` tokens of the corpus in a row
 * (the last, shorter one is left out), or every token's own. A document weighs the same however short it is.
 */
export function unitLosses(documents: readonly ArrayLike<number>[], unit: Unit, length = 1024): Float64Array {
  const mean = (of: ArrayLike<number>): number => Array.from(of).reduce((sum, x) => sum + x, 0) / of.length
  if (unit === 'document') return Float64Array.from(documents, mean)
  const tokens = Float64Array.from(documents.flatMap((d) => Array.from(d)))
  if (unit === 'token') return tokens
  return Float64Array.from({ length: Math.floor(tokens.length / length) }, (_, i) => mean(tokens.subarray(i * length, (i + 1) * length)))
}

/** What a bound by each unit assumes and is about. */
export const unitAssumption: Readonly<Record<Unit, string>> = {
  document: 'Documents were drawn independently; the risk is the mean over documents of the mean over their tokens.',
  sequence: 'Sequences of the corpus count as drawn independently, which those of one document are not quite.',
  token:
    'Nothing is assumed independent: the risk is that of drawing each next token anew, given the contexts that occur in the corpus (Azuma).',
}

/** 1 where k classes or more score at least as high as the label, the label left out: ties count against the model. Scores [n, classes]. */
export function topKErrors(scores: ArrayLike<number>, classes: number, labels: ArrayLike<number>, k: number): Float64Array {
  return Float64Array.from({ length: labels.length }, (_, i) => {
    const own = scores[i * classes + labels[i]!]!
    let above = -1
    for (let c = 0; c < classes; c++) if (scores[i * classes + c]! >= own) above++
    return above >= k ? 1 : 0
  })
}

/** Top-k error of guessing at random among `classes`. */
export const randomTopK = (classes: number, k: number): number => Math.max(0, 1 - k / classes)
