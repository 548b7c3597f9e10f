/** Rows inside a row-major array: element (i, j) lies at `at + i · stride + j`. */
export interface Block {
  readonly data: Float64Array
  readonly at: number
  readonly stride: number
}

/**
 * c += sign · a bᵀ for a [rows, depth], b [columns, depth], c [rows, columns]; the one inner loop of this folder.
 * Two rows of a against four of b at a time: eight running sums hide the latency of the additions, and each number
 * loaded is used more than once. With `lower`, only what is on or below c's diagonal is sure to be right.
 */
export function addProduct(c: Block, a: Block, b: Block, rows: number, columns: number, depth: number, sign: 1 | -1, lower = false): void {
  const x = a.data
  const y = b.data
  const z = c.data
  for (let i = 0; i < rows; i += 2) {
    const p = a.at + i * a.stride
    // Without a second row the first is done twice and stored once.
    const q = i + 1 < rows ? p + a.stride : p
    const to = c.at + i * c.stride
    const end = lower ? Math.min(columns, i + 2) : columns
    let j = 0
    for (; j + 4 <= columns && j < end; j += 4) {
      const r = b.at + j * b.stride
      const s = r + b.stride
      const t = s + b.stride
      const u = t + b.stride
      let [p0, p1, p2, p3, q0, q1, q2, q3] = [0, 0, 0, 0, 0, 0, 0, 0]
      for (let k = 0; k < depth; k++) {
        const xp = x[p + k]!
        const xq = x[q + k]!
        const yr = y[r + k]!
        const ys = y[s + k]!
        const yt = y[t + k]!
        const yu = y[u + k]!
        p0 += xp * yr
        p1 += xp * ys
        p2 += xp * yt
        p3 += xp * yu
        q0 += xq * yr
        q1 += xq * ys
        q2 += xq * yt
        q3 += xq * yu
      }
      add4(z, to + j, sign, p0, p1, p2, p3)
      if (q !== p) add4(z, to + c.stride + j, sign, q0, q1, q2, q3)
    }
    for (; j < end; j++) {
      const r = b.at + j * b.stride
      z[to + j]! += sign * dot(x, p, y, r, depth)
      if (q !== p) z[to + c.stride + j]! += sign * dot(x, q, y, r, depth)
    }
  }
}

function add4(z: Float64Array, at: number, sign: number, a: number, b: number, c: number, d: number): void {
  z[at]! += sign * a
  z[at + 1]! += sign * b
  z[at + 2]! += sign * c
  z[at + 3]! += sign * d
}

/** Σ_k x[i + k] y[j + k] over k < depth. */
export function dot(x: Float64Array, i: number, y: Float64Array, j: number, depth: number): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  let k = 0
  for (; k + 4 <= depth; k += 4) {
    a += x[i + k]! * y[j + k]!
    b += x[i + k + 1]! * y[j + k + 1]!
    c += x[i + k + 2]! * y[j + k + 2]!
    d += x[i + k + 3]! * y[j + k + 3]!
  }
  for (; k < depth; k++) a += x[i + k]! * y[j + k]!
  return a + b + (c + d)
}

/**
 * x[i, ·] −= Σ_j f(j) x[j, ·] over from ≤ j < to, for rows of `width` numbers; f(j) = factor[first + j · step].
 * Four rows a pass, so that the target is loaded and stored a quarter as often.
 */
export function subtractRows(
  x: Float64Array,
  width: number,
  i: number,
  [from, to]: readonly [number, number],
  factor: Float64Array,
  first: number,
  step: number,
): void {
  const target = i * width
  let j = from
  for (; j + 4 <= to; j += 4) {
    const r = j * width
    const s = r + width
    const t = s + width
    const u = t + width
    const f = factor[first + j * step]!
    const g = factor[first + (j + 1) * step]!
    const h = factor[first + (j + 2) * step]!
    const e = factor[first + (j + 3) * step]!
    for (let k = 0; k < width; k++) x[target + k]! -= f * x[r + k]! + g * x[s + k]! + (h * x[t + k]! + e * x[u + k]!)
  }
  for (; j < to; j++) {
    const f = factor[first + j * step]!
    for (let k = 0; k < width; k++) x[target + k]! -= f * x[j * width + k]!
  }
}

/** x[i, ·] /= by, for rows of `width` numbers. */
export function divideRow(x: Float64Array, width: number, i: number, by: number): void {
  for (let k = i * width; k < (i + 1) * width; k++) x[k]! /= by
}
