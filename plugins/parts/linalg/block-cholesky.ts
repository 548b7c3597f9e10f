import type { Engine, Program, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { cholesky, factorMade } from './cholesky.js'
import { gains } from './block-inverse.js'
import { doubles, matrix, sizeOf } from './matrix.js'
import { inverseLower } from './inverse.js'
import { perEngine } from './per-engine.js'

/** Columns of a panel. */
const width = 192

type Remainder = Program<{ panel: Value; left: Value; above: Value }, { rest: Tensor }>
type Times = Program<{ rest: Value; inverse: Value }, { lower: Tensor }>

/** What a panel keeps when those before it have had their share. */
const remainders = perEngine((engine): Remainder => {
  const rest = ({ panel, left, above }: { panel: Tensor; left: Tensor; above: Tensor }) => ({
    rest: panel.sub(tf.matMul(left, above, false, true)),
  })
  return engine.compile(rest, { precision: 'float64' })
})

/** What lies below a panel's corner. */
const lowers = perEngine((engine): Times => {
  const lower = ({ rest, inverse }: { rest: Tensor; inverse: Tensor }) => ({ lower: tf.matMul(rest, inverse, false, true) })
  return engine.compile(lower, { precision: 'float64' })
})

/** Rows [top, bottom) and columns [left, right) of a matrix with n columns, copied. */
function part(a: Float64Array, n: number, top: number, bottom: number, left: number, right: number): Value {
  const columns = right - left
  const data = new Float64Array((bottom - top) * columns)
  for (let i = top; i < bottom; i++) data.set(a.subarray(i * n + left, i * n + right), (i - top) * columns)
  return matrix([bottom - top, columns], data)
}

/**
 * L, lower triangular with A = L Lᵀ, by panels from the left: what a panel loses to those before it is one float64 product on the
 * engine's runtime, and so is what lies below its corner. Small matrices, and engines without float64, are served by `cholesky`. Only A's
 * lower triangle is read; with `overwrite` L takes its place.
 * Throws `OCK-LINALG-001`, and `OCK-LINALG-002` where A is not positive definite; the pivot is then counted within a panel.
 */
export async function blockCholesky(
  engine: Engine,
  a: Value,
  { where = 'blockCholesky', overwrite = false }: { readonly where?: string; readonly overwrite?: boolean } = {},
): Promise<Value> {
  const n = sizeOf(a, where)
  const from = doubles(a)
  if (!gains(engine, n) || n < 3 * width) return overwrite ? factorMade(n, () => from, { attempts: 0, where }).factor : cholesky(a, where)
  const [remainder, below] = [remainders.of(engine), lowers.of(engine)]
  const l = overwrite ? from : new Float64Array(n * n)
  for (let start = 0; start < n; start += width) {
    const end = Math.min(n, start + width)
    const panel = part(from, n, start, n, start, end)
    const rest =
      start === 0 ? panel : (await remainder({ panel, left: part(l, n, start, n, 0, start), above: part(l, n, start, end, 0, start) })).rest
    const w = end - start
    const corner = cholesky(part(doubles(rest), w, 0, w, 0, w), `${where}, panel from row ${start}`)
    for (let i = 0; i < w; i++) {
      l.set((corner.data as Float64Array).subarray(i * w, (i + 1) * w), (start + i) * n + start)
      l.fill(0, (start + i) * n + end, (start + i + 1) * n)
    }
    if (end === n) break
    const { lower } = await below({ rest: part(doubles(rest), w, w, n - start, 0, w), inverse: inverseLower(corner) })
    for (let i = end; i < n; i++) l.set((lower.data as Float64Array).subarray((i - end) * w, (i - end + 1) * w), i * n + start)
  }
  return matrix([n, n], l)
}
