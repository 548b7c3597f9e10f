import { expect, Mismatch, one, place, same, type Table } from './row.js'
import type { Slot } from '../graph.js'

/** Kernels that address elements by index. */
export const lookups: Table = {
  GatherV2: {
    inputs: ['x', 'indices'],
    infer: ([x, indices], attrs) => {
      expect(indices!, 'int32')
      const axis = place(attrs.axis, x!.shape.length)
      const batchDims = (attrs.batchDims ?? 0) as number
      if (batchDims > axis || !same(x!.shape.slice(0, batchDims), indices!.shape.slice(0, batchDims))) {
        throw new Mismatch(`${batchDims} batch dimensions do not agree`)
      }
      const shape = [...x!.shape.slice(0, axis), ...indices!.shape.slice(batchDims), ...x!.shape.slice(axis + 1)]
      return one(shape, x!.dtype, { axis, batchDims })
    },
  },
  GatherNd: {
    inputs: ['params', 'indices'],
    infer: ([params, indices]) => {
      expect(indices!, 'int32')
      const depth = indices!.shape.at(-1) ?? 0
      if (depth < 1 || depth > params!.shape.length) throw new Mismatch(`indices of ${depth} places into rank ${params!.shape.length}`)
      return one([...indices!.shape.slice(0, -1), ...params!.shape.slice(depth)], params!.dtype)
    },
  },
  ScatterNd: {
    inputs: ['indices', 'updates'],
    infer: ([indices, updates], attrs) => {
      expect(indices!, 'int32')
      const shape = attrs.shape as number[]
      const depth = indices!.shape.at(-1) ?? 0
      if (!same(updates!.shape, [...indices!.shape.slice(0, -1), ...shape.slice(depth)])) {
        throw new Mismatch(`updates do not fit indices in [${shape}]`)
      }
      return one(shape, updates!.dtype, { shape: [...shape] })
    },
  },
  UnsortedSegmentSum: {
    inputs: ['x', 'segmentIds'],
    infer: ([x, segmentIds], { numSegments }) => {
      expect(x!, 'float32', 'int32')
      expect(segmentIds!, 'int32')
      if (segmentIds!.shape.length !== 1 || segmentIds!.shape[0] !== x!.shape[0]) throw new Mismatch('segment ids must be one a row')
      return one([numSegments as number, ...x!.shape.slice(1)], x!.dtype, { numSegments })
    },
  },
  OneHot: {
    inputs: ['indices'],
    infer: ([indices], attrs) => {
      expect(indices!, 'int32')
      const { depth, onValue, offValue, dtype } = attrs
      return one([...indices!.shape, depth as number], (dtype ?? 'int32') as Slot['dtype'], {
        depth,
        onValue,
        offValue,
        dtype: dtype ?? 'int32',
      })
    },
  },
}
