import { elementType } from './row.js'
import type { Call, Row, Rows } from './row.js'

const swapLast = (c: Call, x: string, rank: number): string => {
  const perm = Array.from({ length: rank }, (_, i) => i)
  return c.emit('Transpose', [x], { perm: [...perm.slice(0, -2), rank - 1, rank - 2] })
}

/** Matrices go to Gemm, stacks with transposes to FusedMatMul; neither copies what it transposes. */
const product = (c: Call, a: string, b: string, bias?: string): string => {
  const [transA, transB] = [c.attr('transposeA') ? 1 : 0, c.attr('transposeB') ? 1 : 0]
  const factor = c.attr<number | undefined>('alpha')
  const alpha = factor === undefined ? {} : { alpha: { f: factor } }
  const [rankA, rankB] = [c.of(0).shape.length, c.of(1).shape.length]
  if (c.outType === 'int32') {
    return c.emit('MatMul', [transA ? swapLast(c, a, rankA) : a, transB ? swapLast(c, b, rankB) : b])
  }
  if (rankA === 2 && rankB === 2) {
    if (bias === undefined && !transA && !transB && factor === undefined) return c.emit('MatMul', [a, b])
    return c.emit('Gemm', bias === undefined ? [a, b] : [a, b, bias], { transA, transB, ...alpha })
  }
  const fused = transA || transB || factor !== undefined
  const stack = fused ? c.emit('com.microsoft.FusedMatMul', [a, b], { transA, transB, ...alpha }) : c.emit('MatMul', [a, b])
  return bias === undefined ? stack : c.emit('Add', [stack, bias])
}

const matMul: Row = (c) => product(c, c.as(0, c.outType), c.as(1, c.outType))

/** What rewriting makes of a product of matrices plus a bias: [m, k] × [k, n] + [n]. */
const gemm: Row = (c) => product(c, c.x[0]!, c.x[1]!, c.x[2])

/**
 * Inverse in float64 and whether it can be trusted, bool: its sum is finite (∞ − ∞ and NaN − NaN are not 0) and its
 * diagonal positive.
 */
export const inverse = (c: Call): { readonly value: string; readonly valid: string } => {
  const n = c.out.shape[0]!
  const wide = c.emit('com.microsoft.Inverse', [c.cast(c.x[0]!, elementType('float32', c.float), 'float64')])
  const zero = c.scalar(0, 'float64')
  const sum = c.emit('ReduceSum', [wide], { keepdims: 0 })
  const finite = c.emit('Equal', [c.emit('Sub', [sum, sum]), zero])
  const flat = c.reshape(wide, [n * n])
  const diagonal = c.emit('Slice', [flat, c.ints([0]), c.ints([n * n]), c.ints([0]), c.ints([n + 1])])
  const positive = c.emit('Greater', [c.emit('ReduceMin', [diagonal], { keepdims: 0 }), zero])
  return { value: c.cast(wide, 'float64', c.float), valid: c.emit('And', [finite, positive]) }
}

export const linear: Rows = {
  BatchMatMul: matMul,
  'ort.Gemm': gemm,
  Einsum: (c) => c.emit('Einsum', c.x, { equation: c.attr<string>('equation') }),
}
