import { sizeOf } from '../../engine/graph.js'
import type { ElementType } from '../model.js'
import { axesOf } from './row.js'
import type { Call, Row, Rows } from './row.js'

type Axis = number | readonly number[] | null | undefined

/** tfjs calls the axes `axis`, but `reductionIndices` in Max. */
const axes = (c: Call): number[] => axesOf(c.attr<Axis>('axis') ?? c.attr<Axis>('reductionIndices'), c.of(0).shape.length)

const reduce = (c: Call, op: string, x: string): string => {
  const over = axes(c)
  if (over.length === 0) return c.reshape(x, c.out.shape)
  const keepdims = c.out.shape.length === c.of(0).shape.length ? 1 : 0
  return c.emit(op, [x, c.ints(over)], { keepdims })
}

const plain =
  (op: string): Row =>
  (c) => {
    const type: ElementType = c.outType === 'bool' ? 'int32' : c.outType
    return c.cast(reduce(c, op, c.as(0, type)), type, c.outType)
  }

/** Rows from which a sum over the leading axes is made a product with ones: that takes a third of the time, and two threads. */
const manyRows = 1024

const sum: Row = (c) => {
  const [shape, over] = [c.of(0).shape, axes(c)]
  const rows = sizeOf(shape.slice(0, over.length))
  const leading = over.length > 0 && over.length < shape.length && over.every((a) => a < over.length)
  if (c.typeOf(0) !== c.float || !leading || rows < manyRows) return plain('ReduceSum')(c)
  const ones = c.constant(c.float, Array<number>(rows).fill(1), [1, rows])
  return c.reshape(c.emit('MatMul', [ones, c.reshape(c.x[0]!, [rows, sizeOf(shape) / rows])]), c.out.shape)
}

/** Over bool: all is the smallest, any the largest. */
const quantifier =
  (op: string): Row =>
  (c) =>
    c.cast(reduce(c, op, c.cast(c.as(0, 'bool'), 'bool', 'int32')), 'int32', 'bool')

/** The first index of the extreme. */
const extreme =
  (op: string): Row =>
  (c) => {
    const axis = axes(c)[0] ?? 0
    const x = c.typeOf(0) === 'bool' ? c.as(0, 'int32') : c.x[0]!
    return c.cast(c.emit(op, [x], { axis, keepdims: 0 }), 'int64', 'int32')
  }

const cumsum: Row = (c) => {
  const type = c.outType === 'bool' ? 'int32' : c.outType
  const rank = c.of(0).shape.length
  if (rank === 0) return c.attr('exclusive') ? c.scalar(0, type as 'float32') : c.as(0, type)
  const axis = axesOf(c.attr<number>('axis'), rank)[0]!
  const attrs = { exclusive: c.attr('exclusive') ? 1 : 0, reverse: c.attr('reverse') ? 1 : 0 }
  return c.emit('CumSum', [c.as(0, type), c.constant('int32', [axis], [])], attrs)
}

const topK: Row = (c) => {
  const x = c.typeOf(0) === 'bool' ? c.as(0, 'int32') : c.x[0]!
  const [values, indices] = c.many('TopK', [x, c.ints([c.attr<number>('k')])], 2, { axis: -1, largest: 1, sorted: 1 })
  return [c.typeOf(0) === 'bool' ? c.cast(values!, 'int32', 'bool') : values!, c.cast(indices!, 'int64', 'int32')]
}

export const reduction: Rows = {
  Sum: sum,
  Mean: plain('ReduceMean'),
  Prod: plain('ReduceProd'),
  Max: plain('ReduceMax'),
  Min: plain('ReduceMin'),
  All: quantifier('ReduceMin'),
  Any: quantifier('ReduceMax'),
  ArgMax: extreme('ArgMax'),
  ArgMin: extreme('ArgMin'),
  Cumsum: cumsum,
  TopK: topK,
}
