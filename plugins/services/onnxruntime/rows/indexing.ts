import { sizeOf } from '../../engine/graph.js'
import { axesOf } from './row.js'
import type { Call, Row, Rows } from './row.js'

/** Where the index equals the class; an index outside gives only `offValue`. */
const oneHot: Row = (c) => {
  const depth = c.attr<number>('depth')
  const index = c.reshape(c.as(0, 'int32'), [...c.of(0).shape, 1])
  const classes = c.constant(
    'int32',
    Array.from({ length: depth }, (_, i) => i),
  )
  const hit = c.emit('Equal', [index, classes])
  const [on, off] = [c.attr<number | undefined>('onValue') ?? 1, c.attr<number | undefined>('offValue') ?? 0]
  if (on === 1 && off === 0) return c.cast(hit, 'bool', c.outType)
  const type = c.outType === 'bool' ? 'int32' : c.outType
  return c.cast(c.emit('Where', [hit, c.scalar(on, type as 'float32'), c.scalar(off, type as 'float32')]), type, c.outType)
}

/** Gather along one axis; with batch axes each batch has its own indices. */
const gather: Row = (c) => {
  const [x, index] = [c.of(0).shape, c.of(1).shape]
  const axis = axesOf(c.attr<number | undefined>('axis') ?? 0, x.length)[0]!
  const batchDims = c.attr<number | undefined>('batchDims') ?? 0
  if (batchDims === 0) return c.emit('Gather', [c.x[0]!, c.x[1]!], { axis })
  const batch = sizeOf(x.slice(0, batchDims))
  const [outer, inner] = [sizeOf(x.slice(batchDims, axis)), sizeOf(x.slice(axis + 1))]
  const rows = c.emit('Transpose', [c.reshape(c.x[0]!, [batch, outer, x[axis]!, inner])], { perm: [0, 2, 1, 3] })
  const at = c.cast(c.reshape(c.as(1, 'int32'), [batch, sizeOf(index) / batch, 1]), 'int32', 'int64')
  const taken = c.emit('GatherND', [rows, at], { batch_dims: 1 })
  return c.reshape(c.emit('Transpose', [taken], { perm: [0, 2, 1, 3] }), c.out.shape)
}

const gatherNd: Row = (c) => c.emit('GatherND', [c.x[0]!, c.as(1, 'int64')])

/** Sums updates into zeros; equal indices add up. */
const scatter = (c: Call, index: string, updates: string): string =>
  c.emit('ScatterND', [c.fill(0, c.out.shape, c.outType as 'float32'), index, updates], { reduction: 'add' })

/** Rows of x summed by segment; ids outside count for nothing. */
const segmentSum: Row = (c) => {
  const n = c.attr<number>('numSegments')
  const type = c.outType as 'float32'
  const ids = c.as(1, 'int32')
  const low = c.emit('Less', [ids, c.scalar(0, 'int32')])
  const outside = c.emit('Or', [low, c.emit('GreaterOrEqual', [ids, c.scalar(n, 'int32')])])
  const count = c.of(1).shape
  const over = c.reshape(outside, [...count, ...Array<number>(c.of(0).shape.length - count.length).fill(1)])
  const updates = c.emit('Where', [over, c.scalar(0, type), c.as(0, type)])
  const index = c.cast(c.emit('Where', [outside, c.scalar(0, 'int32'), ids]), 'int32', 'int64')
  return scatter(c, c.reshape(index, [...count, 1]), updates)
}

export const indexing: Rows = {
  OneHot: oneHot,
  GatherV2: gather,
  GatherNd: gatherNd,
  ScatterNd: (c) => scatter(c, c.as(0, 'int64'), c.as(1, c.outType)),
  UnsortedSegmentSum: segmentSum,
}
