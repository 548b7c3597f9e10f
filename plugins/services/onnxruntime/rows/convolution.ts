import { direct, directByInput, hasStrides, isDirectBack, isLarge, separateByFilter } from './large-convolution.js'
import type { Call, Row, Rows } from './row.js'
import { convolution, gather, origins, overlaid, patches, pixelsOf, reduce, tapsOf, windowsOf, type Window } from './windows.js'

const shapeOf = (c: Call, name: string): readonly number[] => c.attr<readonly number[]>(name)

/** Patches [n p q, kh kw c] times the filter [kh kw c, o]; with a third operand, plus that bias [o]. */
const conv2d: Row = (c) => {
  const w = convolution(c, c.of(0).shape, c.of(1).shape)
  // The runtime has no `Conv` in float64.
  if (c.float === 'float32' && isLarge(w)) return c.reshape(direct(c, w), c.out.shape)
  const [rows, depth] = [w.batch * windowsOf(w), tapsOf(w) * w.channels]
  const columns = c.reshape(patches(c, c.x[0]!, w), [rows, depth])
  const filter = c.reshape(c.x[1]!, [depth, w.outChannels])
  const bias = c.x[2]
  const y = bias === undefined ? c.emit('MatMul', [columns, filter]) : c.emit('Gemm', [columns, filter, c.reshape(bias, [w.outChannels])])
  return c.reshape(y, c.out.shape)
}

/**
 * Stride 1: patches of dy, in which each tap looks at the window that it came from, times the filter with channels swapped. Else each window's
 * share of each pixel, dy times the filter, added up by pixel: a stride leaves most taps of the former without a window.
 */
const conv2dByInput: Row = (c) => {
  const filterShape = c.of(1).shape
  const w = convolution(c, shapeOf(c, 'inputShape'), filterShape)
  const [taps, windows] = [tapsOf(w), windowsOf(w)]
  if (c.float === 'float32' && isLarge(w) && isDirectBack(w)) return c.reshape(directByInput(c, w), c.out.shape)
  if (!hasStrides(w)) {
    const swapped = c.emit('Transpose', [c.reshape(c.x[1]!, [taps, w.channels, w.outChannels])], { perm: [0, 2, 1] })
    const columns = gather(c, c.x[0]!, w.batch, windows, w.outChannels, origins(w))
    const depth = taps * w.outChannels
    const product = c.emit('MatMul', [c.reshape(columns, [w.batch * pixelsOf(w), depth]), c.reshape(swapped, [depth, w.channels])])
    return c.reshape(product, c.out.shape)
  }
  const rows = c.reshape(c.x[0]!, [w.batch * windows, w.outChannels])
  const shares = c.emit('Gemm', [rows, c.reshape(c.x[1]!, [taps * w.channels, w.outChannels])], { transB: 1 })
  return c.reshape(overlaid(c, shares, w), c.out.shape)
}

/** Parts of the batch that the gradient by the filter is summed over: some products at once keep more of the operands near. */
const partsOf = (w: Window): number => {
  const [rows, depth] = [w.batch * windowsOf(w), tapsOf(w) * w.channels]
  const small = 32 * depth * w.outChannels <= rows * (depth + w.outChannels)
  return small && w.batch % 8 === 0 ? 8 : 1
}

/** The forward pass's patches, transposed, times dy. */
const conv2dByFilter: Row = (c) => {
  const w = convolution(c, c.of(0).shape, shapeOf(c, 'filterShape'))
  const parts = partsOf(w)
  const [rows, depth] = [(w.batch * windowsOf(w)) / parts, tapsOf(w) * w.channels]
  if (isLarge(w) && !hasStrides(w)) return c.reshape(separateByFilter(c, w, parts), c.out.shape)
  const columns = patches(c, c.x[0]!, w)
  if (parts === 1) {
    const operands = [c.reshape(columns, [rows, depth]), c.reshape(c.x[1]!, [rows, w.outChannels])]
    return c.reshape(c.emit('Gemm', operands, { transA: 1 }), c.out.shape)
  }
  const operands = [c.reshape(columns, [parts, rows, depth]), c.reshape(c.x[1]!, [parts, rows, w.outChannels])]
  return c.reshape(reduce(c, 'ReduceSum', c.emit('com.microsoft.FusedMatMul', operands, { transA: 1 }), 0), c.out.shape)
}

/** Results a channel of a depthwise convolution. */
const multiplier = (w: Window): number => w.outChannels / w.channels

/** Patches [n p q, taps, c, 1] times the filter [taps, c, m], added up over the taps. */
const depthwise: Row = (c) => {
  const w = convolution(c, c.of(0).shape, c.of(1).shape, true)
  const [rows, taps, m] = [w.batch * windowsOf(w), tapsOf(w), multiplier(w)]
  const columns = c.reshape(patches(c, c.x[0]!, w), [rows, taps, w.channels, 1])
  const products = c.emit('Mul', [columns, c.reshape(c.x[1]!, [taps, w.channels, m])])
  return c.reshape(reduce(c, 'ReduceSum', products, 1), c.out.shape)
}

const depthwiseByInput: Row = (c) => {
  const w = convolution(c, shapeOf(c, 'inputShape'), c.of(1).shape, true)
  const [rows, taps, m] = [w.batch * windowsOf(w), tapsOf(w), multiplier(w)]
  const dy = c.reshape(c.x[0]!, [rows, 1, w.channels, m])
  const shares = reduce(c, 'ReduceSum', c.emit('Mul', [dy, c.reshape(c.x[1]!, [taps, w.channels, m])]), 3)
  return c.reshape(overlaid(c, shares, w), c.out.shape)
}

const depthwiseByFilter: Row = (c) => {
  const w = convolution(c, c.of(0).shape, shapeOf(c, 'filterShape'), true)
  const [rows, taps, m] = [w.batch * windowsOf(w), tapsOf(w), multiplier(w)]
  const columns = c.reshape(patches(c, c.x[0]!, w), [rows, taps, w.channels, 1])
  const products = c.emit('Mul', [columns, c.reshape(c.x[1]!, [rows, 1, w.channels, m])])
  return c.reshape(reduce(c, 'ReduceSum', products, 0), c.out.shape)
}

export const convolutions: Rows = {
  Conv2D: conv2d,
  // What rewriting makes of a convolution plus a bias.
  'ort.Conv2D': conv2d,
  Conv2DBackpropInput: conv2dByInput,
  Conv2DBackpropFilter: conv2dByFilter,
  DepthwiseConv2dNative: depthwise,
  DepthwiseConv2dNativeBackpropInput: depthwiseByInput,
  DepthwiseConv2dNativeBackpropFilter: depthwiseByFilter,
}
