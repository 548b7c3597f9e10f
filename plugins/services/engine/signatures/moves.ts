import { sizeOf } from '../graph.js'
import { strided } from '../strided.js'
import { tf } from '../tensor.js'
import { expectSame, Mismatch, one, place, places, same, slot, type Table } from './row.js'

type Pairs = readonly (readonly [number, number])[]

/** Kernels that move elements and change none. */
export const moves: Table = {
  Reshape: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const shape = tf.util.inferFromImplicitShape(attrs.shape as number[], sizeOf(x!.shape))
      if (sizeOf(shape) !== sizeOf(x!.shape)) throw new Mismatch(`[${x!.shape}] does not fit into [${shape}]`)
      return one(shape, x!.dtype, { shape })
    },
  },
  Transpose: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const perm = attrs.perm as number[]
      return one(
        perm.map((i) => x!.shape[i]!),
        x!.dtype,
        { perm: [...perm] },
      )
    },
  },
  Tile: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const reps = attrs.reps as number[]
      if (reps.length !== x!.shape.length) throw new Mismatch(`${reps.length} repetitions of a tensor of rank ${x!.shape.length}`)
      return one(
        x!.shape.map((n, i) => n * reps[i]!),
        x!.dtype,
        { reps: [...reps] },
      )
    },
  },
  Slice: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const whole = { shape: [...x!.shape], rank: x!.shape.length } as unknown as Parameters<typeof tf.slice_util.parseSliceParams>[0]
      const [begin, size] = tf.slice_util.parseSliceParams(whole, attrs.begin as number[], attrs.size as number[]) as [number[], number[]]
      if (begin.some((b, i) => b < 0 || size[i]! < 0 || b + size[i]! > x!.shape[i]!)) {
        throw new Mismatch(`a slice of size [${size}] from [${begin}] leaves [${x!.shape}]`)
      }
      return one(size, x!.dtype, { begin, size })
    },
  },
  StridedSlice: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const said = strided(x!.shape, attrs)
      return one(said.shape, x!.dtype, said.attrs)
    },
  },
  Concat: {
    inputs: 'list',
    infer: (xs, attrs) => {
      expectSame(xs)
      const first = xs[0]!.shape
      const axis = place(attrs.axis, first.length)
      const rest = (shape: readonly number[]): number[] => shape.filter((_, i) => i !== axis)
      if (xs.some((x) => x.shape.length !== first.length || !same(rest(x.shape), rest(first)))) {
        throw new Mismatch(`sizes beside axis ${axis} differ`)
      }
      const along = xs.reduce((sum, x) => sum + x.shape[axis]!, 0)
      return one(
        first.map((n, i) => (i === axis ? along : n)),
        xs[0]!.dtype,
        { axis },
      )
    },
  },
  Pack: {
    inputs: 'list',
    infer: (xs, attrs) => {
      expectSame(xs)
      const first = xs[0]!.shape
      if (xs.some((x) => !same(x.shape, first))) throw new Mismatch('its inputs differ in shape')
      const axis = place(attrs.axis, first.length, 1)
      return one([...first.slice(0, axis), xs.length, ...first.slice(axis)], xs[0]!.dtype, { axis })
    },
  },
  Unpack: {
    inputs: ['value'],
    infer: ([x], attrs) => {
      const axis = place(attrs.axis, x!.shape.length)
      const shape = x!.shape.filter((_, i) => i !== axis)
      return { outputs: Array.from({ length: x!.shape[axis]! }, () => slot(shape, x!.dtype)), attrs: { axis } }
    },
  },
  SplitV: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const axis = place(attrs.axis, x!.shape.length)
      const sizes = tf.backend_util.prepareSplitSize({ shape: [...x!.shape] } as never, attrs.numOrSizeSplits as number[], axis)
      const outputs = sizes.map((n) =>
        slot(
          x!.shape.map((m, i) => (i === axis ? n : m)),
          x!.dtype,
        ),
      )
      return { outputs, attrs: { numOrSizeSplits: sizes, axis } }
    },
  },
  PadV2: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const paddings = (attrs.paddings as Pairs).map(([before, after]) => [before, after] as const)
      const shape = x!.shape.map((n, i) => n + paddings[i]![0] + paddings[i]![1])
      return one(shape, x!.dtype, { paddings, constantValue: attrs.constantValue ?? 0 })
    },
  },
  MirrorPad: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const paddings = (attrs.paddings as Pairs).map(([before, after]) => [before, after] as const)
      const shape = x!.shape.map((n, i) => n + paddings[i]![0] + paddings[i]![1])
      return one(shape, x!.dtype, { paddings, mode: attrs.mode })
    },
  },
  Reverse: { inputs: ['x'], infer: ([x], attrs) => one(x!.shape, x!.dtype, { dims: places(attrs.dims, x!.shape) }) },
}
