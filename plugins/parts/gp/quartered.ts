import type { Process, Value, Values } from 'ockham'
import { matrix } from '../linalg/index.js'
import { blocks } from './blocks.js'
import { added } from './kernels/kernel.js'

/** A symmetric matrix [rows, rows] on the host without what mirrors the rest: [[first, across], [acrossᵀ, second]], each [rows/2, rows/2]. */
export interface QuarteredValue {
  readonly first: Value
  readonly across: Value
  readonly second: Value
}

const doubles = (v: Value): Float64Array => v.data as Float64Array

/** Covariance of x [n, d] with itself, padded to `rows` by rows that covary with nothing. */
export function covarianceQuarters(process: Process, hyper: Values, x: Value, rows: number): QuarteredValue {
  const m = rows / 2
  const [first, across, second] = [new Float64Array(m * m), new Float64Array(m * m), new Float64Array(m * m)]
  for (const { top, left, a, b } of blocks(x)) {
    const k = process.covariance(hyper, a, b).data
    const [height, width] = [a.shape[0]!, b.shape[0]!]
    for (let i = 0; i < height; i++)
      for (let j = 0, end = a === b ? i + 1 : width, [row, base] = [top + i, i * width]; j < end; j++) {
        const [column, v] = [left + j, k[base + j]!]
        if (row < m) first[row * m + column] = first[column * m + row] = v
        else if (column < m) across[column * m + row - m] = v
        else second[(row - m) * m + column - m] = second[(column - m) * m + row - m] = v
      }
  }
  return { first: matrix([m, m], first), across: matrix([m, m], across), second: matrix([m, m], second) }
}

/** Derivatives in the hyper-parameters from those in the covariance of x with itself. */
export function gradientOfQuarters(process: Process, hyper: Values, x: Value, by: QuarteredValue): Values {
  const m = by.first.shape[0]!
  const [first, across, second] = [doubles(by.first), doubles(by.across), doubles(by.second)]
  let sum: Values = {}
  for (const { top, left, a, b } of blocks(x)) {
    const [height, width] = [a.shape[0]!, b.shape[0]!]
    // A block off the diagonal stands for its mirror image too.
    const weight = a === b ? 1 : 2
    const part = new Float64Array(height * width)
    for (let i = 0; i < height; i++)
      for (let j = 0, [row, base] = [top + i, i * width]; j < width; j++) {
        const column = left + j
        const [low, high] = row < column ? [row, column] : [column, row]
        const v = high < m ? first[low * m + high]! : low < m ? across[low * m + high - m]! : second[(low - m) * m + high - m]!
        part[base + j] = weight * v
      }
    sum = added(process.gradient(hyper, { covariance: [{ a, b, by: matrix([height, width], part) }] }), sum)
  }
  return sum
}

/** a + b, written over a. */
export function addQuarters(a: QuarteredValue, b: QuarteredValue): QuarteredValue {
  for (const name of ['first', 'across', 'second'] as const) {
    const [to, from] = [doubles(a[name]), doubles(b[name])]
    for (let i = 0; i < to.length; i++) to[i]! += from[i]!
  }
  return a
}
