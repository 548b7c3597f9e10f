import { sizeOf } from '../graph.js'
import { broadcast, expect, Mismatch, one, same, type Table } from './row.js'

/** Products of matrices. */
export const products: Table = {
  BatchMatMul: {
    inputs: ['a', 'b'],
    infer: ([a, b], attrs) => {
      expect(a!, 'float32')
      expect(b!, 'float32')
      const [transposeA, transposeB] = [Boolean(attrs.transposeA), Boolean(attrs.transposeB)]
      const [m, k] = transposeA ? [a!.shape.at(-1), a!.shape.at(-2)] : [a!.shape.at(-2), a!.shape.at(-1)]
      const [l, n] = transposeB ? [b!.shape.at(-1), b!.shape.at(-2)] : [b!.shape.at(-2), b!.shape.at(-1)]
      if (m === undefined || n === undefined || k !== l) throw new Mismatch(`inner sizes ${k} and ${l}`)
      const [left, right] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)]
      // tfjs' kernels repeat a whole batch, not single dimensions of it.
      if (!same(left, right) && sizeOf(left) !== 1 && sizeOf(right) !== 1) throw new Mismatch(`batches [${left}] and [${right}]`)
      return one([...broadcast(left, right), m, n], 'float32', { transposeA, transposeB })
    },
  },
}
