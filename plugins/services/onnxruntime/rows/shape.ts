import { axesOf } from './row.js'
import type { Call, Row, Rows } from './row.js'

const reshape: Row = (c) => c.reshape(c.x[0]!, c.out.shape)

const transpose: Row = (c) => c.emit('Transpose', [c.x[0]!], { perm: c.attr<number[]>('perm') })

/** Only the axes that are cut are named. */
const slice: Row = (c) => {
  const [shape, size, given] = [c.of(0).shape, c.out.shape, c.attr<number | readonly number[]>('begin')]
  const begin = shape.map((_, i) => (typeof given === 'number' ? (i === 0 ? given : 0) : (given[i] ?? 0)))
  const cut = shape.flatMap((d, i) => (d === size[i] ? [] : [i]))
  if (cut.length === 0) return c.x[0]!
  return c.emit('Slice', [c.x[0]!, c.ints(cut.map((i) => begin[i]!)), c.ints(cut.map((i) => begin[i]! + size[i]!)), c.ints(cut)])
}

/** Python's x[begin:end:stride] with masks; an end before the first element is written as tfjs resolves it, then shifted below −n. */
const stridedSlice: Row = (c) => {
  const [begin, end, strides] = ['begin', 'end', 'strides'].map((name) => c.ints(c.attr<number[]>(name)))
  return c.emit('Slice', [c.x[0]!, begin!, end!, c.ints(c.of(0).shape.map((_, i) => i)), strides!])
}

/** Walks backwards to just before the start. */
const reverse: Row = (c) => {
  const shape = c.of(0).shape
  const over = axesOf(c.attr<number | number[]>('dims'), shape.length)
  if (over.length === 0) return c.x[0]!
  const each = (v: number) => c.ints(over.map(() => v))
  return c.emit('Slice', [c.x[0]!, each(-1), c.ints(over.map((i) => -shape[i]! - 1)), c.ints(over), each(-1)])
}

const concat: Row = (c) => {
  const kept = c.x.flatMap((_, i) => (c.of(i).shape.includes(0) ? [] : [c.as(i, c.outType)]))
  if (kept.length === 0) return c.fill(0, c.out.shape, c.outType as 'float32')
  if (kept.length === 1) return c.reshape(kept[0]!, c.out.shape)
  return c.emit('Concat', kept, { axis: axesOf(c.attr<number>('axis'), c.out.shape.length)[0]! })
}

const pack: Row = (c) => {
  const axis = axesOf(c.attr<number>('axis'), c.out.shape.length)[0]!
  const single = c.out.shape.map((d, i) => (i === axis ? 1 : d))
  const parts = c.x.map((_, i) => c.reshape(c.as(i, c.outType), single))
  return parts.length === 1 ? parts[0]! : c.emit('Concat', parts, { axis })
}

const parts = (c: Call, axis: number, sizes: readonly number[]): readonly string[] =>
  sizes.length === 1 ? [c.x[0]!] : c.many('Split', [c.x[0]!, c.ints(sizes)], sizes.length, { axis })

const split: Row = (c) => {
  const axis = axesOf(c.attr<number>('axis'), c.of(0).shape.length)[0]!
  const sizes = c.node.outputs.map((slot) => slot.shape[axis]!)
  return parts(c, axis, sizes)
}

const unpack: Row = (c) => {
  const axis = axesOf(c.attr<number>('axis'), c.of(0).shape.length)[0]!
  const pieces = parts(
    c,
    axis,
    c.node.outputs.map(() => 1),
  )
  return pieces.map((piece) => c.reshape(piece, c.out.shape))
}

const pad: Row = (c) => {
  const paddings = c.attr<readonly (readonly [number, number])[]>('paddings')
  if (paddings.every(([a, b]) => a === 0 && b === 0)) return c.x[0]!
  const pads = c.ints([...paddings.map((p) => p[0]), ...paddings.map((p) => p[1])])
  return c.emit('Pad', [c.x[0]!, pads, c.scalar(c.attr<number>('constantValue'), c.typeOf(0) as 'float32')])
}

/** Rows mirrored at the border, taken by index: ONNX has `reflect` but not `symmetric`. */
const mirrorPad: Row = (c) => {
  const paddings = c.attr<readonly (readonly [number, number])[]>('paddings')
  const offset = c.attr('mode') === 'reflect' ? 1 : 0
  return paddings.reduce((x, [before, after], axis) => {
    if (before === 0 && after === 0) return x
    const n = c.of(0).shape[axis]!
    const index = Array.from({ length: before + n + after }, (_, j) => {
      const i = j - before
      return i < 0 ? -i - 1 + offset : i >= n ? 2 * n - 1 - i - offset : i
    })
    return c.emit('Gather', [x, c.ints(index)], { axis })
  }, c.x[0]!)
}

const tile: Row = (c) => {
  const shape = c.of(0).shape
  // Repeating an axis of one is broadcasting.
  if (shape.every((d, i) => d === 1 || d === c.out.shape[i])) return c.emit('Expand', [c.x[0]!, c.ints(c.out.shape)])
  return c.emit('Tile', [c.x[0]!, c.ints(c.attr<number[]>('reps'))])
}

const filled =
  (value: number | undefined): Row =>
  (c) =>
    c.fill(value ?? c.attr<number>('value'), c.out.shape, c.outType as 'float32')

export const shape: Rows = {
  Reshape: reshape,
  Transpose: transpose,
  Slice: slice,
  StridedSlice: stridedSlice,
  Reverse: reverse,
  Concat: concat,
  Pack: pack,
  SplitV: split,
  Unpack: unpack,
  PadV2: pad,
  MirrorPad: mirrorPad,
  Tile: tile,
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Fill: filled(undefined),
}
