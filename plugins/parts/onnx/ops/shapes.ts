import { tf, type Tensor } from 'ockham/tensor'
import { image, type At, type Held, type Op, type Ops } from '../at.js'

const known = (tensor: Tensor): Held => ({ tensor, last: false, known: true })
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** Shape of an operand as the graph has it. */
const shapeOf = (at: At, i: number): number[] => {
  const { tensor, last } = at.of(i)
  const [n, h, w, c] = tensor.shape as [number, number, number, number]
  return last ? [n, c, h, w] : [...tensor.shape]
}

const shape: Op = (at) => {
  const all = shapeOf(at, 0)
  const [start, end] = [at.int('start', 0), at.int('end', all.length)]
  return known(tf.tensor1d(all.slice(start, end), 'int32'))
}

/** A shape that the file was exported with at another number of rows, at the number of now: their first axis counts rows. */
function rowsOfNow(at: At, wanted: number[], x: Tensor): number[] {
  const { now, then } = at.around.rows
  if (then === undefined || then === now || wanted[0]! <= 0 || wanted[0]! % then !== 0) return wanted
  const open = wanted.includes(-1)
  const off = !open && product(wanted) !== x.size
  return off || (open && x.shape[0] === now && wanted[0] === then) ? [(wanted[0]! / then) * now, ...wanted.slice(1)] : wanted
}

/** 0 keeps an axis, −1 takes what is left. */
const reshape: Op = (at) => {
  const x = at.x(0)
  const keep = at.int('allowzero', 0) === 0
  const wanted = at.numbers(1).map((d, i) => (d === 0 && keep ? x.shape[i]! : d))
  return x.reshape(rowsOfNow(at, wanted, x))
}

const flatten: Op = (at) => {
  const x = at.x(0)
  const axis = at.int('axis', 1)
  const front = axis < 0 ? axis + x.rank : axis
  return x.reshape([product(x.shape.slice(0, front)), product(x.shape.slice(front))])
}

const squeeze: Op = (at) => {
  const x = at.x(0)
  const axes = at.list('axes', 1)?.map((axis) => at.axis(axis, x.rank)) ?? x.shape.flatMap((d, i) => (d === 1 ? [i] : []))
  return x.reshape(x.shape.filter((_, i) => !axes.includes(i)))
}

const unsqueeze: Op = (at) => {
  const x = at.x(0)
  const given = at.list('axes', 1) ?? []
  const rank = x.rank + given.length
  const axes = new Set(given.map((axis) => at.axis(axis, rank)))
  const rest = [...x.shape]
  return x.reshape(Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : rest.shift()!)))
}

const transpose: Op = (at) => {
  const { tensor, last } = at.of(0)
  const perm =
    at.ints('perm') ??
    shapeOf(at, 0)
      .map((_, i) => i)
      .reverse()
  // The network itself goes to channels last, or comes back from there.
  if (last && perm.join() === '0,2,3,1') return tensor
  if (!last && tensor.rank === 4 && perm.join() === '0,3,1,2') return image(tensor)
  return at.x(0).transpose([...perm])
}

const concat: Op = (at) => {
  const all = at.held.map((_, i) => at.of(i))
  const axis = at.axis(at.int('axis', 0), all[0]!.tensor.rank)
  if (all.every((h) => h.last))
    return image(
      tf.concat(
        all.map((h) => h.tensor),
        [0, 3, 1, 2][axis],
      ),
    )
  return tf.concat(
    all.map((_, i) => at.x(i)),
    axis,
  )
}

const split: Op = (at) => {
  const x = at.x(0)
  const axis = at.axis(at.int('axis', 0), x.rank)
  const length = x.shape[axis]!
  const count = at.int('num_outputs', at.step.outputs.length)
  const each = Math.ceil(length / count)
  const sizes = at.list('split', 1) ?? Array.from({ length: count }, (_, i) => Math.min(each, length - i * each))
  return tf.split(x, sizes, axis)
}

/** From, to and step of each axis, ends beyond the array cut off. */
const slice: Op = (at) => {
  const x = at.x(0)
  const starts = at.list('starts', 1) ?? []
  const ends = at.list('ends', 2) ?? []
  const axes = (at.list('axes', 3) ?? starts.map((_, i) => i)).map((axis) => at.axis(axis, x.rank))
  const steps = at.has(4) ? at.numbers(4) : starts.map(() => 1)
  const [begin, end, by] = [x.shape.map(() => 0), [...x.shape], x.shape.map(() => 1)]
  axes.forEach((axis, i) => {
    const length = x.shape[axis]!
    const [step, low, high] = [steps[i]!, steps[i]! > 0 ? 0 : -1, steps[i]! > 0 ? length : length - 1]
    const cut = (p: number): number => Math.max(low, Math.min(high, p < 0 ? p + length : p))
    ;[begin[axis], end[axis], by[axis]] = [cut(starts[i]!), cut(ends[i]!), step]
  })
  if (by.every((step) => step === 1))
    return tf.slice(
      x,
      begin,
      end.map((e, i) => Math.max(0, e - begin[i]!)),
    )
  // Backwards: the same elements forwards, then turned round.
  const turned = by.flatMap((step, i) => (step < 0 ? [i] : []))
  const count = by.map((step, i) => Math.max(0, Math.ceil((end[i]! - begin[i]!) / step)))
  const low = begin.map((b, i) => (by[i]! < 0 ? b + (count[i]! - 1) * by[i]! : b))
  const high = low.map((l, i) => (count[i] === 0 ? l : l + (count[i]! - 1) * Math.abs(by[i]!) + 1))
  const taken = tf.stridedSlice(x, low, high, by.map(Math.abs))
  return turned.length > 0 ? tf.reverse(taken, turned) : taken
}

/** Indices from the end count on. */
const counted = (indices: Tensor, length: number): Tensor => {
  const whole = indices.cast('int32')
  return tf.where(tf.less(whole, 0), tf.add(whole, length), whole).cast('int32')
}

const gather: Op = (at) => {
  const [x, indices] = [at.x(0), at.x(1)]
  const axis = at.axis(at.int('axis', 0), x.rank)
  const rows = counted(indices, x.shape[axis]!)
  // tfjs wants an axis to gather along.
  const taken = tf.gather(x, rows.rank === 0 ? rows.reshape([1]) : rows, axis)
  return rows.rank === 0 ? taken.squeeze([axis]) : taken
}

const gatherNd: Op = (at) => {
  if (at.int('batch_dims', 0)) throw at.refuse('batch_dims', 'export the network without it')
  return tf.gatherND(at.x(0), at.x(1).cast('int32'))
}

/** Axes of one stretch to either side. */
const expand: Op = (at) => {
  const x = at.x(0)
  const wanted = at.numbers(1)
  const { now, then } = at.around.rows
  const rank = Math.max(x.rank, wanted.length)
  const [have, want] = [x.shape, wanted].map((s) => [...Array<number>(rank - s.length).fill(1), ...s]) as [number[], number[]]
  if (have[0] === now && want[0] === then && then !== undefined) want[0] = now
  return tf.broadcastTo(
    x.reshape(have),
    have.map((d, i) => (d === 1 ? want[i]! : d)),
  )
}

const tile: Op = (at) => tf.tile(at.x(0), at.numbers(1))

/** The border repeated: rows by index. */
const edge = (x: Tensor, paddings: readonly (readonly [number, number])[]): Tensor =>
  paddings.reduce((y, [before, after], axis) => {
    if (before === 0 && after === 0) return y
    const n = y.shape[axis]!
    const index = Array.from({ length: before + n + after }, (_, i) => Math.max(0, Math.min(n - 1, i - before)))
    return tf.gather(y, tf.tensor1d(index, 'int32'), axis)
  }, x)

/** Negative padding takes away. */
const pad: Op = (at) => {
  const x = at.x(0)
  const given = at.list('pads', 1) ?? at.list('paddings', 1) ?? []
  const axes = at.has(3) ? at.numbers(3).map((axis) => at.axis(axis, x.rank)) : x.shape.map((_, i) => i)
  const all = x.shape.map((): [number, number] => [0, 0])
  axes.forEach((axis, i) => (all[axis] = [given[i]!, given[i + axes.length]!]))
  const begin = all.map(([before]) => Math.max(0, -before))
  const size = x.shape.map((d, i) => d - begin[i]! - Math.max(0, -all[i]![1]))
  const kept = all.flat().some((p) => p < 0) ? tf.slice(x, begin, size) : x
  const paddings = all.map(([before, after]): [number, number] => [Math.max(0, before), Math.max(0, after)])
  const mode = at.text('mode', 'constant')
  if (mode === 'constant') return tf.pad(kept, paddings, at.attr<number>('value') ?? (at.has(2) ? at.numbers(2)[0]! : 0))
  if (mode === 'edge') return edge(kept, paddings)
  if (mode === 'reflect') return tf.mirrorPad(kept, paddings, 'reflect')
  throw at.refuse(`mode ${mode}`, 'export the network with another padding')
}

const constantOfShape: Op = (at) => {
  const value = at.attr<{ readonly dtype: string; readonly data: ArrayLike<number> }>('value')
  const wanted = at.numbers(0)
  if (product(wanted) > 2 ** 26) throw at.refuse(`a constant of shape [${wanted}]`, 'export the network again', 4)
  return known(tf.fill(wanted, value?.data[0] ?? 0, value?.dtype === 'int32' ? 'int32' : 'float32'))
}

const range: Op = (at) => {
  const [start, limit, step] = [0, 1, 2].map((i) => at.numbers(i)[0]!) as [number, number, number]
  if (step === 0 || Math.abs((limit - start) / step) > 2 ** 26)
    throw at.refuse(`from ${start} to ${limit} by ${step}`, 'export the network again', 4)
  return known(tf.range(start, limit, step, at.of(0).tensor.dtype === 'int32' ? 'int32' : 'float32'))
}

/** What lies above, or below, a diagonal is zero. */
const trilu: Op = (at) => {
  const x = at.x(0)
  const k = at.has(1) ? at.numbers(1)[0]! : 0
  const [rows, columns] = x.shape.slice(-2) as [number, number]
  const upper = at.int('upper', 1) === 1
  const mask = Float32Array.from({ length: rows * columns }, (_, i) => {
    const above = (i % columns) - Math.floor(i / columns) - k
    return (upper ? above >= 0 : above <= 0) ? 1 : 0
  })
  const stays = tf.tensor2d(mask, [rows, columns])
  return x.dtype === 'float32'
    ? tf.where(stays.cast('bool'), x, tf.zerosLike(x))
    : tf.mul(x.cast('int32'), stays.cast('int32')).cast(x.dtype)
}

const cumSum: Op = (at) => {
  const x = at.x(0)
  return tf.cumsum(x, at.axis(at.numbers(1)[0]!, x.rank), at.int('exclusive', 0) === 1, at.int('reverse', 0) === 1)
}

const topK: Op = (at) => {
  const x = at.x(0)
  const axis = at.axis(at.int('axis', -1), x.rank)
  const k = at.attr<number>('k') ?? at.numbers(1)[0]!
  if (axis !== x.rank - 1 || !at.int('largest', 1)) throw at.refuse('not the largest along the last axis', 'export the network without it')
  const { values, indices } = tf.topk(x, k)
  return [values, indices]
}

const oneHot: Op = (at) => {
  const [off, on] = at.numbers(2) as [number, number]
  const axis = at.int('axis', -1)
  const made = tf.oneHot(at.x(0).cast('int32'), at.numbers(1)[0]!, on, off).cast('float32')
  if (axis !== -1 && axis !== made.rank - 1) throw at.refuse(`axis ${axis}`, 'export the network with the last axis')
  return made
}

export const shapes: Ops = {
  Shape: shape,
  Size: (at) => known(tf.scalar(product(shapeOf(at, 0)), 'int32')),
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherND: gatherNd,
  Expand: expand,
  Tile: tile,
  Pad: pad,
  ConstantOfShape: constantOfShape,
  Range: range,
  Trilu: trilu,
  CumSum: cumSum,
  TopK: topK,
  OneHot: oneHot,
}
