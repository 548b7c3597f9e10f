import type { Call } from './row.js'
import { gather, pixelsOf, reduce, tapsOf, windowsOf, type Window } from './windows.js'

/**
 * Numbers of patches from which a convolution makes none: they would be written to memory and read again, where the runtime's `Conv` makes them in
 * the cache, a few at a time.
 */
const manyPatches = 2 ** 23

export const isLarge = (w: Window): boolean => w.batch * windowsOf(w) * tapsOf(w) * w.channels > manyPatches

const toFirst = (c: Call, x: string, n: number, pixels: number, channels: number, size: readonly [number, number]): string =>
  c.reshape(c.emit('Transpose', [c.reshape(x, [n, pixels, channels])], { perm: [0, 2, 1] }), [n, channels, ...size])

const toLast = (c: Call, x: string, n: number, pixels: number, channels: number): string =>
  c.emit('Transpose', [c.reshape(x, [n, channels, pixels])], { perm: [0, 2, 1] })

/** The convolution by `Conv`, between transposes: [n, p q, o]. */
export function direct(c: Call, w: Window): string {
  const x = toFirst(c, c.x[0]!, w.batch, pixelsOf(w), w.channels, [w.height, w.width])
  const filter = c.emit('Transpose', [c.x[1]!], { perm: [3, 2, 0, 1] })
  const bias = c.x[2] === undefined ? [] : [c.reshape(c.x[2], [w.outChannels])]
  const attrs = { kernel_shape: w.kernel, strides: w.strides, dilations: w.dilations, pads: [...w.before, ...w.after] }
  return toLast(c, c.emit('Conv', [x, filter, ...bias], attrs), w.batch, windowsOf(w), w.outChannels)
}

/** Padding of dy with which its convolution with the mirrored filter gives the gradient by the input. */
const paddingBack = ({ kernel, before, height, width, outHeight, outWidth }: Window): readonly number[] => [
  kernel[0] - 1 - before[0],
  kernel[1] - 1 - before[1],
  height - outHeight + before[0],
  width - outWidth + before[1],
]

export const hasStrides = (w: Window): boolean => w.strides.some((s) => s !== 1)

/** Whether {@link directByInput} can. */
export const isDirectBack = (w: Window): boolean => !hasStrides(w) && paddingBack(w).every((n) => n >= 0)

/** Gradient by the input, stride 1: dy convolved with the mirrored filter, channels swapped: [n, h w, c]. */
export function directByInput(c: Call, w: Window): string {
  const dy = toFirst(c, c.x[0]!, w.batch, windowsOf(w), w.outChannels, [w.outHeight, w.outWidth])
  const taps = tapsOf(w)
  const mirrored = c.emit('Gather', [
    c.reshape(c.x[1]!, [taps, w.channels, w.outChannels]),
    c.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i)),
  ])
  const filter = c.reshape(c.emit('Transpose', [mirrored], { perm: [1, 2, 0] }), [w.channels, w.outChannels, ...w.kernel])
  const y = c.emit('Conv', [dy, filter], { kernel_shape: w.kernel, pads: paddingBack(w) })
  return toLast(c, y, w.batch, pixelsOf(w), w.channels)
}

/** At each row of the image and column of windows, the pixels under the taps of one row of the window. */
function across(w: Window): Int32Array {
  const [, kw] = w.kernel
  const index = new Int32Array(w.height * w.outWidth * kw)
  for (let i = 0; i < w.height; i++)
    for (let q = 0; q < w.outWidth; q++)
      for (let v = 0; v < kw; v++) {
        const column = q + v - w.before[1]
        index[(i * w.outWidth + q) * kw + v] = column < 0 || column >= w.width ? -1 : i * w.width + column
      }
  return index
}

/** At the same places, the windows whose tap in each row lies there. */
function down(w: Window): Int32Array {
  const [kh] = w.kernel
  const index = new Int32Array(w.height * w.outWidth * kh)
  for (let i = 0; i < w.height; i++)
    for (let q = 0; q < w.outWidth; q++)
      for (let u = 0; u < kh; u++) {
        const p = i + w.before[0] - u
        index[(i * w.outWidth + q) * kh + u] = p < 0 || p >= w.outHeight ? -1 : p * w.outWidth + q
      }
  return index
}

/**
 * Gradient by the filter, stride 1, with columns of taps taken from x and rows of taps from dy: as many operations as with patches of all taps, on
 * kw + kh numbers for each of x and dy instead of kh kw, and a squarer product [kw c, kh o].
 */
export function separateByFilter(c: Call, w: Window, parts: number): string {
  const [kh, kw] = w.kernel
  const rows = (w.batch * w.height * w.outWidth) / parts
  const x = c.reshape(gather(c, c.x[0]!, w.batch, pixelsOf(w), w.channels, across(w)), [parts, rows, kw * w.channels])
  const dy = c.reshape(gather(c, c.x[1]!, w.batch, windowsOf(w), w.outChannels, down(w)), [parts, rows, kh * w.outChannels])
  const sum = reduce(c, 'ReduceSum', c.emit('com.microsoft.FusedMatMul', [x, dy], { transA: 1 }), 0)
  return c.emit('Transpose', [c.reshape(sum, [kw, w.channels, kh, w.outChannels])], { perm: [2, 0, 1, 3] })
}
