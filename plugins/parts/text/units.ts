import { InputError, type Dataset, type Value } from 'ockham'
import { windows, type Unit } from '../bounds/index.js'
import type { Pass } from './judge.js'
import { padding } from './rows.js'

/** Tokens that are read together: a document's, or a row's. */
export interface Passage {
  readonly x: Int32Array
  /** The token after each. */
  readonly y: Int32Array
}

const chunk = 512

/** The rows of a split that hold something to predict, in order, without what is padded; and of which document each is. */
async function rowsOf(dataset: Dataset, split: string, rows: Int32Array): Promise<(Passage & { document: number | undefined })[]> {
  const all: (Passage & { document: number | undefined })[] = []
  for (let from = 0; from < rows.length; from += chunk) {
    const data = rows.slice(from, from + chunk)
    const { x, y, document } = await dataset.read(split, { shape: [data.length], dtype: 'int32', data })
    const context = x!.shape[1]!
    for (let i = 0; i < data.length; i++) {
      const own = ({ data: ids }: Value): Int32Array => Int32Array.from(ids.subarray(i * context, (i + 1) * context))
      const next = own(y!)
      const end = next.indexOf(padding)
      const length = end < 0 ? context : end
      if (length > 0) all.push({ x: own(x!).subarray(0, length), y: next.subarray(0, length), document: document?.data[i] })
    }
  }
  return all
}

/**
 * What is read together where this unit is drawn: whole documents, or rows. Errors: `OCK-TEXT-005` where the dataset does not tell documents
 * apart.
 */
export async function passagesOf(dataset: Dataset, split: string, rows: Int32Array, unit: Unit): Promise<Passage[]> {
  const all = await rowsOf(dataset, split, rows)
  if (unit !== 'document') return all
  const documents = new Map<number, Passage[]>()
  for (const row of all) {
    if (row.document === undefined) throw together()
    const before = documents.get(row.document)
    if (before) before.push(row)
    else documents.set(row.document, [row])
  }
  const joined = (parts: readonly Int32Array[]): Int32Array => Int32Array.from(parts.flatMap((p) => Array.from(p)))
  return [...documents.values()].map((of) => (of.length === 1 ? of[0]! : { x: joined(of.map((p) => p.x)), y: joined(of.map((p) => p.y)) }))
}

const together = (): InputError =>
  new InputError({
    code: 'OCK-TEXT-005',
    what: 'rows of this dataset hold tokens of several documents, or of one without an end',
    where: 'bounds.text-compression.unit',
    remedy: 'choose layout: single with unit: lines or documents in the dataset, or unit: sequence or token in the bound',
  })

/** Which tokens count, and how much: their mean over the units is Σ weight · loss. */
export interface Counted {
  /** Passages to be read, with the place of the first token of each. */
  readonly passages: readonly { readonly passage: Passage; readonly at: number }[]
  /** Float64, one a token of these passages; sums to one. */
  readonly weight: Float64Array
}

/** How often each of `count` was drawn, or once each. */
function times(count: number, drawn: Int32Array | undefined): Float64Array {
  const all = new Float64Array(count).fill(drawn ? 0 : 1)
  drawn?.forEach((i) => all[i]!++)
  return all
}

/** Tokens of the units, or of those that were drawn. A passage of which nothing was drawn is not read. */
export function counted(passages: readonly Passage[], unit: Unit, drawn: Int32Array | undefined): Counted {
  const lengths = passages.map(({ y }) => y.length)
  const tokens = lengths.reduce((a, b) => a + b, 0)
  const often = times(unit === 'token' ? tokens : passages.length, drawn)
  const total = drawn?.length ?? often.length
  const read: { passage: Passage; at: number }[] = []
  const weights: number[] = []
  let before = 0
  passages.forEach((passage, p) => {
    const own = Array.from(passage.y, (_, i) => (unit === 'token' ? often[before + i]! / total : often[p]! / total / lengths[p]!))
    before += lengths[p]!
    if (own.every((w) => w === 0)) return
    read.push({ passage, at: weights.length })
    for (const w of own) weights.push(w)
  })
  return { passages: read, weight: Float64Array.from(weights) }
}

/** Passes over passages: one where a passage fits into a block, else windows that move by `stride`. */
export function* passesOf({ passages }: Counted, block: number, stride: number): Generator<Pass> {
  for (const { passage, at } of passages)
    for (const { start, end, from } of windows(passage.x.length, block, stride)) {
      const y = passage.y.slice(start, end)
      y.fill(padding, 0, from - start)
      yield { x: passage.x.subarray(start, end), y, at: at + start }
    }
}
