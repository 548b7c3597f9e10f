import { convolutionWindow, poolingWindow, type Window } from '../../engine/signatures/window.js'
import type { Call } from './row.js'

export { type Window } from '../../engine/signatures/window.js'

/** The window of a convolution of operands with these shapes. */
export const convolution = (c: Call, x: readonly number[], filter: readonly number[], depthwise = false): Window =>
  convolutionWindow(x, filter, c.node.attrs, depthwise)

export const pooling = (c: Call, x: readonly number[]): Window => poolingWindow(x, c.node.attrs)

export const tapsOf = ({ kernel }: Window): number => kernel[0] * kernel[1]
export const windowsOf = ({ outHeight, outWidth }: Window): number => outHeight * outWidth
export const pixelsOf = ({ height, width }: Window): number => height * width

/** Visits the pixels under each window, row by row; −1 stands for those outside the image. */
export function eachTap(w: Window, visit: (window: number, tap: number, pixel: number) => void): void {
  const [kh, kw] = w.kernel
  for (let p = 0; p < w.outHeight; p++)
    for (let q = 0; q < w.outWidth; q++)
      for (let u = 0; u < kh; u++)
        for (let v = 0; v < kw; v++) {
          const row = p * w.strides[0] + u * w.dilations[0] - w.before[0]
          const column = q * w.strides[1] + v * w.dilations[1] - w.before[1]
          const inside = row >= 0 && column >= 0 && row < w.height && column < w.width
          visit(p * w.outWidth + q, u * kw + v, inside ? row * w.width + column : -1)
        }
}

/** For each window and each tap of it, the pixel under it; −1 outside. */
export function pixels(w: Window): Int32Array {
  const index = new Int32Array(windowsOf(w) * tapsOf(w))
  eachTap(w, (window, tap, pixel) => void (index[window * tapsOf(w) + tap] = pixel))
  return index
}

/** For each pixel the places of `pixels` that lie on it, or, with `whole`, the windows; filled up with −1 to the longest list. */
export function covers(w: Window, whole = false): { readonly index: Int32Array; readonly most: number } {
  const lists: number[][] = Array.from({ length: pixelsOf(w) }, () => [])
  eachTap(w, (window, tap, pixel) => void lists[pixel]?.push(whole ? window : window * tapsOf(w) + tap))
  const most = Math.max(1, ...lists.map((l) => l.length))
  const index = new Int32Array(lists.length * most).fill(-1)
  lists.forEach((list, i) => index.set(list, i * most))
  return { index, most }
}

/** For each pixel and each tap, the window whose tap lies on it; −1 where there is none. A stride of one leaves few of those. */
export function origins(w: Window): Int32Array {
  const index = new Int32Array(pixelsOf(w) * tapsOf(w)).fill(-1)
  eachTap(w, (window, tap, pixel) => {
    if (pixel >= 0) index[pixel * tapsOf(w) + tap] = window
  })
  return index
}

/**
 * Rows of x [n, rows, c] by index, `outside` where it is −1: [n, index, c]. One parallel pass, where slices and concatenations
 * take four times as long.
 */
export function gather(c: Call, x: string, n: number, rows: number, channels: number, index: Int32Array, outside = 0): string {
  if (index.length === rows && index.every((at, i) => at === i)) return c.reshape(x, [n, rows, channels])
  const flat = c.reshape(x, [n, rows, channels])
  const gap = index.includes(-1)
  const from = gap ? c.emit('Concat', [flat, c.fill(outside, [n, 1, channels], c.float)], { axis: 1 }) : flat
  const at = gap ? index.map((i) => (i < 0 ? rows : i)) : index
  return c.emit('Gather', [from, c.scope.constant('int32', [at.length], at)], { axis: 1 })
}

/** Pixels under each window: [n, windows · taps, c]. */
export const patches = (c: Call, x: string, w: Window, outside = 0): string =>
  gather(c, x, w.batch, pixelsOf(w), w.channels, pixels(w), outside)

/** Adds up what lies on each pixel, from values [n, windows · taps, c]: [n, h · w, c]. */
export function overlaid(c: Call, values: string, w: Window): string {
  const { index, most } = covers(w)
  return summed(c, values, windowsOf(w) * tapsOf(w), w, index, most)
}

/** Adds up what windows [n, windows, c] give to each pixel that they cover: [n, h · w, c]. */
export function spread(c: Call, values: string, w: Window): string {
  const { index, most } = covers(w, true)
  return summed(c, values, windowsOf(w), w, index, most)
}

/** Lists up to this long are gathered one place after another and added: a sum along a short axis takes three times as long. */
const short = 4

function summed(c: Call, values: string, rows: number, w: Window, index: Int32Array, most: number): string {
  const from = (at: Int32Array): string => gather(c, values, w.batch, rows, w.channels, at)
  if (most > short) return reduce(c, 'ReduceSum', c.reshape(from(index), [w.batch * pixelsOf(w), most, w.channels]), 1)
  const columns = Array.from({ length: most }, (_, j) => from(index.filter((_, i) => i % most === j)))
  return columns.reduce((a, b) => c.emit('Add', [a, b]))
}

/** Reduces one axis away. */
export const reduce = (c: Call, op: 'ReduceSum' | 'ReduceMax', x: string, axis: number): string =>
  c.emit(op, [x, c.ints([axis])], { keepdims: 0 })
