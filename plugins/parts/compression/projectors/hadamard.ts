import { tf, type Tensor } from 'ockham/tensor'

/** H [n, n] / √n by Sylvester's construction; n a power of two. */
export function hadamard(n: number): Float32Array {
  const parity = (bits: number): number => {
    let ones = 0
    for (let b = bits; b > 0; b &= b - 1) ones ^= 1
    return ones
  }
  const size = 1 / Math.sqrt(n)
  return Float32Array.from({ length: n * n }, (_, at) => (parity(Math.floor(at / n) & (at % n)) ? -size : size))
}

/**
 * The normalised Walsh–Hadamard transform of each row [b, n], traced: H over n = n₁ n₂ is H₁ ⊗ H₂, two small products in place of the
 * butterflies.
 */
export function walsh(x: Tensor): Tensor {
  const [rows, n] = x.shape as [number, number]
  const first = 2 ** Math.ceil(Math.log2(n) / 2)
  const second = n / first
  const along = (t: Tensor, size: number): Tensor => t.matMul(tf.tensor2d(hadamard(size), [size, size]))
  const inner = along(x.reshape([rows * first, second]), second).reshape([rows, first, second])
  const outer = along(inner.transpose([0, 2, 1]).reshape([rows * second, first]), first)
  return outer.reshape([rows, second, first]).transpose([0, 2, 1]).reshape([rows, n])
}

/** The same of one vector on the host, in place. */
export function walshOnHost(x: Float64Array): Float64Array {
  const n = x.length
  for (let half = 1; half < n; half *= 2)
    for (let i = 0; i < n; i += 2 * half)
      for (let j = i; j < i + half; j++) {
        const [a, b] = [x[j]!, x[j + half]!]
        x[j] = a + b
        x[j + half] = a - b
      }
  const size = 1 / Math.sqrt(n)
  for (let i = 0; i < n; i++) x[i]! *= size
  return x
}
