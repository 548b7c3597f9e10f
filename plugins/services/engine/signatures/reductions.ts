import { expect, Mismatch, one, place, places, type Row, type Shape, type Table } from './row.js'
import type { Slot } from '../graph.js'

type Dtype = Slot['dtype']

const without = (shape: Shape, axes: readonly number[], keep: boolean): number[] =>
  shape.flatMap((n, i) => (axes.includes(i) ? (keep ? [1] : []) : [n]))

/** `name` is the attribute that holds the axes; an empty one becomes the list of all. */
const reduction = (dtypes: readonly Dtype[], to: (x: Dtype) => Dtype, name = 'axis'): Row => ({
  inputs: ['x'],
  infer: ([x], attrs) => {
    expect(x!, ...dtypes)
    const axes = places(attrs[name], x!.shape)
    const keepDims = Boolean(attrs.keepDims)
    return one(without(x!.shape, axes, keepDims), to(x!.dtype), { [name]: axes, keepDims })
  },
})

const argument: Row = {
  inputs: ['x'],
  infer: ([x], attrs) => {
    expect(x!, 'float32', 'int32')
    const axis = place(attrs.axis, x!.shape.length)
    return one(without(x!.shape, [axis], false), 'int32', { axis })
  },
}

const running: Row = {
  inputs: ['x'],
  infer: ([x], attrs) => {
    expect(x!, 'float32', 'int32')
    return one(x!.shape, x!.dtype, {
      axis: place(attrs.axis, x!.shape.length),
      exclusive: Boolean(attrs.exclusive),
      reverse: Boolean(attrs.reverse),
    })
  },
}

/** Over the last axis, as tfjs has it. */
const normalised = (name: 'dim' | 'axis'): Row => ({
  inputs: ['logits'],
  infer: ([x], attrs) => {
    expect(x!, 'float32')
    const axis = place(attrs[name] ?? -1, x!.shape.length)
    if (axis !== x!.shape.length - 1) throw new Mismatch(`axis ${axis} is not the last of [${x!.shape}]`)
    return one(x!.shape, x!.dtype, { [name]: axis })
  },
})

const count = (x: Dtype): Dtype => (x === 'bool' ? 'int32' : x)
const kept = (x: Dtype): Dtype => x

/** Kernels that sum, choose or run along axes. */
export const reductions: Table = {
  Sum: reduction(['float32', 'int32', 'bool'], count),
  Prod: reduction(['float32', 'int32', 'bool'], count),
  Mean: reduction(['float32', 'int32', 'bool'], () => 'float32'),
  Max: reduction(['float32', 'int32'], kept, 'reductionIndices'),
  Min: reduction(['float32', 'int32'], kept),
  All: reduction(['bool'], kept),
  Any: reduction(['bool'], kept),
  ArgMax: argument,
  ArgMin: argument,
  Cumsum: running,
  Softmax: normalised('dim'),
  LogSoftmax: normalised('axis'),
  TopK: {
    inputs: ['x'],
    infer: ([x], { k, sorted }) => {
      expect(x!, 'float32', 'int32')
      const size = x!.shape.at(-1)
      if (size === undefined || (k as number) > size) throw new Mismatch(`the ${String(k)} largest of [${x!.shape}]`)
      const shape = [...x!.shape.slice(0, -1), k as number]
      return {
        outputs: [
          { shape, dtype: x!.dtype },
          { shape, dtype: 'int32' },
        ],
        attrs: { k, sorted: sorted ?? true },
      }
    },
  },
}
