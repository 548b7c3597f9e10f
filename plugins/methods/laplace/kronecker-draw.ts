import type { Engine, Value } from 'ockham'
import { blockProduct, matrix, transpose } from '../../parts/linalg/index.js'
import type { Eigen } from './factor.js'
import type { Pair } from './pairs.js'

/** B ⊗ A of a pair in the coordinates of the prior, by the directions of both. */
export interface Product {
  readonly left: Eigen
  readonly right: Eigen
}

/** Q (ε / √(s l + t)) of a pair, with l over the products of eigenvalues, written to its blocks. */
export async function drawPair(
  engine: Engine,
  p: Pair,
  { left: a, right: b }: Product,
  t: number,
  s: number,
  noise: Float64Array,
  out: Float64Array,
): Promise<void> {
  const [n, k, m] = [p.inputs, a.values.length, b.values.length]
  const white = new Float64Array(n * m)
  let row = 0
  for (const block of p.blocks) {
    white.set(noise.subarray(block.at, block.at + block.size), row * m)
    row += block.size / m
  }
  // Noise in the axes of the right factor; then along the left one's directions, and across them where some are left out.
  const whole = matrix([n, m], white)
  const scaled = (values: ArrayLike<number>, rows: Value, minus?: Float64Array): Value =>
    matrix(
      rows.shape,
      Float64Array.from(
        rows.data,
        (e, i) => e / Math.sqrt(s * values[values.length === 1 ? 0 : Math.floor(i / m)]! * b.values[i % m]! + t) - (minus?.[i] ?? 0),
      ),
    )
  let turned: Value
  if (k === n) turned = await blockProduct(engine, a.vectors, scaled(a.values, whole))
  else {
    const along = await blockProduct(engine, a.vectors, whole, { left: true })
    const inside = scaled(a.values, along, scaled([a.rest], along).data as Float64Array)
    const back = (await blockProduct(engine, a.vectors, inside)).data
    turned = matrix(
      [n, m],
      Float64Array.from(scaled([a.rest], whole).data, (v, i) => v + back[i]!),
    )
  }
  const all = (await blockProduct(engine, turned, transpose(b.vectors))).data as Float64Array
  row = 0
  for (const block of p.blocks) {
    out.set(all.subarray(row * m, row * m + block.size), block.at)
    row += block.size / m
  }
}
