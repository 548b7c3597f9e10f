import type { Call, Row, Rows } from './row.js'
import { eachTap, overlaid, patches, pooling, reduce, spread, tapsOf, windowsOf, type Window } from './windows.js'

/** Windows of 2 × 2 that tile the image. */
export const isTiled = (w: Window): boolean =>
  [...w.kernel, ...w.strides].every((n) => n === 2) &&
  [...w.before, ...w.after].every((n) => n === 0) &&
  w.height % 2 === 0 &&
  w.width % 2 === 0

/** Maxima of pairs of columns, [n h w/2, c]. */
const pairs = (c: Call, x: string, w: Window): string =>
  reduce(c, 'ReduceMax', c.reshape(x, [(w.batch * w.height * w.width) / 2, 2, w.channels]), 1)

const maxPool: Row = (c) => {
  const w = pooling(c, c.of(0).shape)
  if (isTiled(w)) {
    const high = c.reshape(pairs(c, c.x[0]!, w), [(w.batch * w.height) / 2, 2, (w.width / 2) * w.channels])
    return c.reshape(reduce(c, 'ReduceMax', high, 1), c.out.shape)
  }
  const taps = c.reshape(patches(c, c.x[0]!, w, -Infinity), [w.batch * windowsOf(w), tapsOf(w), w.channels])
  return c.reshape(reduce(c, 'ReduceMax', taps, 1), c.out.shape)
}

/**
 * Shares dy [rows, 1, c] between the two of each pair x [rows, 2, c] with maxima y [rows, 1, c]: the second takes it where the first is lower, so
 * that of two equal ones it is the first.
 */
function halved(c: Call, x: string, y: string, dy: string): string {
  // A gather runs in parallel, a slice does not.
  const first = c.emit('Gather', [x, c.ints([0])], { axis: 1 })
  const lower = c.cast(c.emit('Less', [first, y]), 'bool', c.float)
  const second = c.emit('Mul', [dy, lower])
  return c.emit('Concat', [c.emit('Sub', [dy, second]), second], { axis: 1 })
}

/** Tiles of 2 × 2: first between the two rows, then between the two columns. */
function tiledMaxPoolGrad(c: Call, w: Window): string {
  const [rows, row] = [(w.batch * w.height) / 2, (w.width / 2) * w.channels]
  const high = pairs(c, c.x[1]!, w)
  const byRows = halved(c, c.reshape(high, [rows, 2, row]), c.reshape(c.x[2]!, [rows, 1, row]), c.reshape(c.x[0]!, [rows, 1, row]))
  const columns = (w.batch * w.height * w.width) / 2
  const shape = [columns, 1, w.channels]
  return halved(c, c.reshape(c.x[1]!, [columns, 2, w.channels]), c.reshape(high, shape), c.reshape(byRows, shape))
}

/** dy goes to the first maximum of its window. */
const maxPoolGrad: Row = (c) => {
  const w = pooling(c, c.of(1).shape)
  if (isTiled(w)) return c.reshape(tiledMaxPoolGrad(c, w), c.out.shape)
  const rows = w.batch * windowsOf(w)
  const taps = c.reshape(patches(c, c.x[1]!, w, -Infinity), [rows, tapsOf(w), w.channels])
  const [y, dy] = [c.x[2]!, c.x[0]!].map((x) => c.reshape(x, [rows, 1, w.channels])) as [string, string]
  const hits = c.emit('Equal', [taps, y])
  const before = c.emit('CumSum', [c.cast(hits, 'bool', c.float), c.scope.constant('int64', [], BigInt64Array.of(1n))], { exclusive: 1 })
  const first = c.emit('And', [hits, c.emit('Equal', [before, c.scalar(0)])])
  return c.reshape(overlaid(c, c.emit('Mul', [dy, c.cast(first, 'bool', c.float)]), w), c.out.shape)
}

/** Pixels of the image in each window. */
function counts(w: Window): Float64Array {
  const found = new Float64Array(windowsOf(w))
  eachTap(w, (window, _, pixel) => void (found[window]! += pixel < 0 ? 0 : 1))
  return found
}

/** The mean of what lies inside the image. */
const avgPool: Row = (c) => {
  const w = pooling(c, c.of(0).shape)
  const sum = reduce(c, 'ReduceSum', c.reshape(patches(c, c.x[0]!, w), [w.batch, windowsOf(w), tapsOf(w), w.channels]), 2)
  const of = counts(w)
  const uniform = of.every((n) => n === of[0])
  const divisor = uniform ? c.scalar(of[0]!) : c.constant(c.float, [...of], [windowsOf(w), 1])
  return c.reshape(c.emit('Div', [sum, divisor]), c.out.shape)
}

/** tfjs' kernel: each window gives each of its pixels dy over the window's size, whatever part of it lies outside. */
const avgPoolGrad: Row = (c) => {
  const w = pooling(c, c.of(1).shape)
  return c.reshape(spread(c, c.emit('Div', [c.x[0]!, c.scalar(tapsOf(w))]), w), c.out.shape)
}

export const poolings: Rows = {
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGrad,
  AvgPool: avgPool,
  AvgPoolGrad: avgPoolGrad,
}
