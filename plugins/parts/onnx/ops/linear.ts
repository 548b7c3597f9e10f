import { tf, type Tensor } from 'ockham/tensor'
import { dense } from '../../networks/index.js'
import type { At, Op, Ops } from '../at.js'

const layer: Op = (at) => dense(at.own, at.step.layer!, at.x(0), at.around.call)

/** Stacks of matrices are broadcast as ONNX (and NumPy) do. */
function product(a: Tensor, b: Tensor, transA = false, transB = false): Tensor {
  if (a.rank === 1) return product(a.expandDims(0), b, false, transB).squeeze([Math.max(b.rank, 2) - 2])
  if (b.rank === 1) return product(a, b.expandDims(1), transA).squeeze([a.rank - 1])
  // A matrix on the right of a stack is one product of all its rows.
  if (b.rank === 2 && a.rank > 2 && !transA) {
    const y = a.reshape([-1, a.shape.at(-1)!]).matMul(b, false, transB)
    return y.reshape([...a.shape.slice(0, -1), y.shape[1]!])
  }
  return tf.matMul(a, b, transA, transB)
}

const matMul: Op = (at) => product(at.x(0), at.x(1))

const fusedMatMul: Op = (at) => {
  if (at.int('transBatchA', 0) || at.int('transBatchB', 0)) throw at.refuse('stacks are transposed', 'export the network without fusions')
  const y = product(at.x(0), at.x(1), at.int('transA', 0) === 1, at.int('transB', 0) === 1)
  const alpha = at.int('alpha', 1)
  return alpha === 1 ? y : y.mul(alpha)
}

/** α A B + β C. */
const gemm: Op = (at) => {
  const scaled = (x: Tensor, by: number): Tensor => (by === 1 ? x : x.mul(by))
  const y = scaled(tf.matMul(at.x(0), at.x(1), at.int('transA', 0) === 1, at.int('transB', 0) === 1), at.int('alpha', 1))
  return at.has(2) ? y.add(scaled(at.x(2), at.int('beta', 1))) : y
}

const einsum: Op = (at) => tf.einsum(at.text('equation', '').replace(/\s/g, ''), ...at.held.map((_, i) => at.x(i)))

const softmaxOf =
  (f: (x: Tensor) => Tensor): Op =>
  (at: At) => {
    const x = at.x(0)
    const axis = at.axis(at.int('axis', at.opset < 13 ? 1 : -1), x.rank)
    if (at.opset < 13 && axis < x.rank - 1)
      // Old softmax is over all axes from this one on.
      return f(x.reshape([x.shape.slice(0, axis).reduce((a, b) => a * b, 1), -1])).reshape(x.shape)
    if (axis === x.rank - 1) return f(x)
    const swap = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i))
    return f(x.transpose(swap)).transpose(swap)
  }

export const linear: Ops = {
  'ockham.Dense': layer,
  MatMul: matMul,
  'com.microsoft.FusedMatMul': fusedMatMul,
  Gemm: gemm,
  Einsum: einsum,
  Softmax: softmaxOf((x) => tf.softmax(x)),
  LogSoftmax: softmaxOf((x) => tf.logSoftmax(x)),
}
