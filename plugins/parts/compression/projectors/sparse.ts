import { tf } from 'ockham/tensor'
import { checkStored, floats, integers, rowsOf, type Projector } from './projector.js'

/**
 * Very sparse random projection (Li, Hastie, Church 2006): a coordinate moves ⌈√rows⌉ parameters, drawn without replacement, by
 * ±1/√⌈√rows⌉, so that its image has norm one. Entries are kept in the order of rows.
 */
export const sparse = (): Projector => ({
  init(key, params, dim) {
    const rows = rowsOf(params)
    const each = Math.ceil(Math.sqrt(rows))
    checkStored(each * dim, 'sparse')
    const signs = key.fold('signs').bernoulli(0.5, [dim, each]).data
    const places = Array.from({ length: dim }, (_, column) =>
      distinct(
        key
          .fold('places')
          .fold(column)
          .integers([4 * each + 16], rows).data,
        each,
        rows,
      ),
    )
    // Sorted by row: where each row's entries start, then each entry to its place.
    const start = new Int32Array(rows + 1)
    for (const column of places) for (const row of column) start[row + 1]!++
    for (let row = 0; row < rows; row++) start[row + 1]! += start[row]!
    const [row, column, entry] = [new Int32Array(each * dim), new Int32Array(each * dim), new Float32Array(each * dim)]
    const size = 1 / Math.sqrt(each)
    places.forEach((of, c) =>
      of.forEach((r, i) => {
        const at = start[r]!++
        row[at] = r
        column[at] = c
        entry[at] = signs[c * each + i] ? size : -size
      }),
    )
    return {
      row: integers(row),
      column: integers(column),
      entry: floats(entry, [entry.length]),
      // The result's length must be known while tracing.
      rows: integers(new Int32Array(rows)),
    }
  },
  up: (parts, w) =>
    tf.unsortedSegmentSum(tf.gather(w, parts['column'] as never).mul(parts['entry']!), parts['row'] as never, parts['rows']!.size),
  apply(parts, w) {
    const y = new Float64Array(parts['rows']!.data.length)
    const [row, column, entry] = [parts['row']!.data, parts['column']!.data, parts['entry']!.data]
    for (let i = 0; i < row.length; i++) y[row[i]!]! += entry[i]! * w[column[i]!]!
    return y
  },
})

/** The first `count` different numbers of a sequence, filled up from 0 where there are fewer. */
function distinct(draws: ArrayLike<number>, count: number, below: number): number[] {
  const found = new Set<number>()
  for (let i = 0; i < draws.length && found.size < count; i++) found.add(draws[i]!)
  for (let i = 0; i < below && found.size < count; i++) found.add(i)
  return [...found]
}
