import type { Engine, Program, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { cholesky } from './cholesky.js'
import { gains } from './block-inverse.js'
import { doubles, matrix, sizeOf } from './matrix.js'
import { inverseLower } from './inverse.js'

/** Columns of a panel. */
const width = 192

type Remainder = Program<{ panel: Value; left: Value; above: Value }, { rest: Tensor }>
type Times = Program<{ rest: Value; inverse: Value }, { lower: Tensor }>

const compiled = new WeakMap<Engine, { rest: Remainder; times: Times }>()

function programsOf(engine: Engine): { rest: Remainder; times: Times } {
  const found = compiled.get(engine)
  if (found) return found
  const made = {
    rest: engine.compile(
      ({ panel, left, above }: { panel: Tensor; left: Tensor; above: Tensor }) => ({
        rest: panel.sub(tf.matMul(left, above, false, true)),
      }),
      { precision: 'float64' },
    ),
    times: engine.compile(({ rest, inverse }: { rest: Tensor; inverse: Tensor }) => ({ lower: tf.matMul(rest, inverse, false, true) }), {
      precision: 'float64',
    }),
  }
  compiled.set(engine, made)
  return made
}

/** Rows [top, bottom) and columns [left, right) of a matrix with n columns, copied. */
function part(a: Float64Array, n: number, top: number, bottom: number, left: number, right: number): Value {
  const columns = right - left
  const data = new Float64Array((bottom - top) * columns)
  for (let i = top; i < bottom; i++) data.set(a.subarray(i * n + left, i * n + right), (i - top) * columns)
  return matrix([bottom - top, columns], data)
}

/**
 * L, lower triangular with A = L Lᵀ, by panels from the left: what a panel loses to those before it is one float64 product on the
 * engine's runtime, and so is what lies below its corner. Small matrices, and engines without float64, are served by `cholesky`.
 * Throws `OCK-LINALG-001`, and `OCK-LINALG-002` where A is not positive definite; the pivot is then counted within a panel.
 */
export async function blockCholesky(engine: Engine, a: Value, where = 'blockCholesky'): Promise<Value> {
  const n = sizeOf(a, where)
  if (!gains(engine, n) || n < 3 * width) return cholesky(a, where)
  const programs = programsOf(engine)
  const l = new Float64Array(n * n)
  const from = doubles(a)
  for (let start = 0; start < n; start += width) {
    const end = Math.min(n, start + width)
    const panel = part(from, n, start, n, start, end)
    const rest =
      start === 0
        ? panel
        : (await programs.rest({ panel, left: part(l, n, start, n, 0, start), above: part(l, n, start, end, 0, start) })).rest
    const w = end - start
    const corner = cholesky(part(doubles(rest), w, 0, w, 0, w), `${where}, panel from row ${start}`)
    for (let i = 0; i < w; i++) l.set((corner.data as Float64Array).subarray(i * w, (i + 1) * w), (start + i) * n + start)
    if (end === n) break
    const { lower } = await programs.times({ rest: part(doubles(rest), w, w, n - start, 0, w), inverse: inverseLower(corner) })
    for (let i = end; i < n; i++) l.set((lower.data as Float64Array).subarray((i - end) * w, (i - end + 1) * w), i * n + start)
  }
  return matrix([n, n], l)
}
