import type { Value } from 'ockham'

/** Where the windows of a convolution lie. */
export interface Geometry {
  readonly strides: readonly [number, number]
  readonly dilations: readonly [number, number]
  /** Zeros before the first row and column. */
  readonly before: readonly [number, number]
  /** Rows and columns of the output. */
  readonly out: readonly [number, number]
}

interface Axis {
  readonly stride: number
  readonly dilation: number
  readonly before: number
}

/** Every way in which windows of `kernel` on `size` places can give `out` of them. */
function axes(size: number, out: number, kernel: number): Axis[] {
  const found: Axis[] = []
  for (let stride = 1; stride <= 4; stride++)
    for (let dilation = 1; dilation <= (kernel === 1 ? 1 : 4); dilation++) {
      const reach = (kernel - 1) * dilation
      for (let before = 0; before <= reach; before++) {
        const needed = (out - 1) * stride + reach + 1 - before
        // What comes after the last place is padding too, of no more than a window; fewer windows than fit are not asked for.
        if (needed - size <= reach && size - needed < stride + reach) found.push({ stride, dilation, before })
      }
    }
  return found
}

/** Largest absolute number. */
export function largest({ data }: Value): number {
  let most = 0
  for (const v of data) most = Math.max(most, Math.abs(v))
  return most
}

/** Output of one channel at every place, from input [h, w, c] and kernel [kh, kw, c, o]. */
function channelAt(x: Value, kernel: Value, g: Geometry, row: number, column: number, channel: number): number {
  const [h, w, c] = x.shape.slice(-3) as [number, number, number]
  const [kh, kw, , o] = kernel.shape as [number, number, number, number]
  let sum = 0
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const [y, z] = [row * g.strides[0] + i * g.dilations[0] - g.before[0], column * g.strides[1] + j * g.dilations[1] - g.before[1]]
      if (y < 0 || y >= h || z < 0 || z >= w) continue
      for (let k = 0; k < c; k++) sum += x.data[(y * w + z) * c + k]! * kernel.data[((i * kw + j) * c + k) * o + channel]!
    }
  return sum
}

/**
 * The windows by which a convolution with `kernel` [kh, kw, c, o] takes `x` [1, h, w, c] to `y` [1, h', w', o] (bias taken off),
 * found by trying: a model announces its inputs and outputs, not its strides and padding. Undefined where none does.
 */
export function geometryOf(x: Value, kernel: Value, y: Value): Geometry | undefined {
  const [, h, w] = x.shape as [number, number, number]
  const [, rows, columns, outputs] = y.shape as [number, number, number, number]
  const most = largest(y)
  const fits = (g: Geometry): boolean => {
    for (let r = 0; r < rows; r++)
      for (let q = 0; q < columns; q++) {
        const channel = (r + q) % outputs
        const wanted = y.data[(r * columns + q) * outputs + channel]!
        if (!(Math.abs(channelAt(x, kernel, g, r, q, channel) - wanted) <= 1e-4 * most + 1e-6)) return false
      }
    return true
  }
  for (const a of axes(h, rows, kernel.shape[0]!))
    for (const b of axes(w, columns, kernel.shape[1]!)) {
      const g: Geometry = {
        strides: [a.stride, b.stride],
        dilations: [a.dilation, b.dilation],
        before: [a.before, b.before],
        out: [rows, columns],
      }
      if (fits(g)) return g
    }
  return undefined
}
