import { tf, type Tensor } from 'ockham/tensor'

/**
 * cos and sin of place · base^(−2i/d) for places 0 to length − 1 and i below d/2, each [length, d]: twice, for both members of a pair, the
 * first sines negative, so that a turn is two products and a sum.
 */
export interface Rotations {
  readonly cos: Tensor
  readonly sin: Tensor
}

/** Rotary position embedding, Su et al. 2021, equation 34: the angles of `length` places for heads of width `d`. */
export function rotations(length: number, d: number, base: number): Rotations {
  const half = d / 2
  const angles = Float64Array.from({ length: length * d }, (_, k) => {
    const i = k % half
    return Math.floor(k / d) * Math.exp((-2 * i * Math.log(base)) / d)
  })
  const sign = (k: number): number => (k % d < half ? -1 : 1)
  return {
    cos: tf.tensor(Float32Array.from(angles, Math.cos), [length, d]),
    sin: tf.tensor(
      Float32Array.from(angles, (angle, k) => sign(k) * Math.sin(angle)),
      [length, d],
    ),
  }
}

/**
 * x [n, heads, t, d] with its pairs (x_i, x_{i + d/2}) turned by the angles of their places: the layout of published LLaMA weights, which
 * rotates halves rather than neighbours. `cos` and `sin` are [t, d], or [n, 1, t, d] where rows are at places of their own.
 */
export function rotated(x: Tensor, { cos, sin }: Rotations): Tensor {
  const half = x.shape[3]! / 2
  const [a, b] = tf.split(x, [half, half], 3) as [Tensor, Tensor]
  return x.mul(cos).add(tf.concat([b, a], 3).mul(sin))
}
