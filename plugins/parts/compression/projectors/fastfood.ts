import { tf } from 'ockham/tensor'
import { walsh, walshOnHost } from './hadamard.js'
import { floats, integers, rowsOf, type Projector } from './projector.js'

/**
 * Fastfood (Le, Sarlós, Smola 2013): blocks S H G Π H B of the coordinates, padded to a power of two, one below the other. H Walsh–Hadamard, B
 * and S signs, G normal, Π one permutation for all blocks. Scaled so that a coordinate's image has norm one on average.
 */
export const fastfood = (): Projector => ({
  init(key, params, dim) {
    const rows = rowsOf(params)
    const padded = 2 ** Math.ceil(Math.log2(Math.max(2, dim)))
    const blocks = Math.ceil(rows / padded)
    const signs = (name: string): Float32Array =>
      (key.fold(name).bernoulli(0.5, [blocks, padded]).data as Float32Array).map((bit) => 2 * bit - 1)
    const scale = Math.sqrt(padded / rows)
    return {
      b: floats(signs('b'), [blocks, padded]),
      g: floats(key.fold('g').normal([blocks, padded]).data as Float32Array, [blocks, padded]),
      s: floats(
        signs('s').map((sign) => sign * scale),
        [blocks, padded],
      ),
      order: integers(key.fold('order').permutation(padded).data as Int32Array),
      rows: integers(new Int32Array(rows)),
    }
  },
  up(parts, w) {
    const [blocks, padded] = parts['b']!.shape as [number, number]
    const x = tf.pad(w.reshape([1, -1]), [
      [0, 0],
      [0, padded - w.size],
    ])
    const mixed = tf.gather(walsh(x.mul(parts['b']!)), parts['order'] as never, 1).mul(parts['g']!)
    return walsh(mixed)
      .mul(parts['s']!)
      .reshape([blocks * padded])
      .slice([0], [parts['rows']!.size])
  },
  apply(parts, w) {
    const [blocks, padded] = parts['b']!.shape as [number, number]
    const y = new Float64Array(parts['rows']!.data.length)
    const [b, g, s, order] = ['b', 'g', 's', 'order'].map((name) => parts[name]!.data) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Int32Array,
    ]
    for (let block = 0; block < blocks; block++) {
      const at = block * padded
      const first = walshOnHost(Float64Array.from({ length: padded }, (_, i) => (w[i] ?? 0) * b[at + i]!))
      const second = walshOnHost(Float64Array.from({ length: padded }, (_, i) => first[order[i]!]! * g[at + i]!))
      for (let i = 0; i < padded && at + i < y.length; i++) y[at + i] = second[i]! * s[at + i]!
    }
    return y
  },
})
