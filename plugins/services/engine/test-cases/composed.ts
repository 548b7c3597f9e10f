import { at, drawn, pick, whole, type Case, type Random } from './case.js'
import { tf, type Tensor, type Tensor3D, type Tensor4D, type Tensor5D } from '../tensor.js'

const one = (fn: (x: Tensor) => Tensor) => (t: Readonly<Record<string, Tensor>>) => fn(t['x']!)
const twice = [0, 1] as const

const volume = (r: Random, least = 3): number[] => [
  whole(r, 1, 2),
  whole(r, least, 5),
  whole(r, least, 5),
  whole(r, least, 4),
  whole(r, 1, 3),
]

/** Strides no longer than the filter: else tfjs pads volumes by less than nothing. */
const below = (r: Random, filter: readonly number[]) =>
  filter.slice(0, 3).map((n) => whole(r, 1, Math.min(2, n))) as [number, number, number]

/** Kernels that are made of others. */
export const composedCases: readonly Case[] = [
  ...twice.flatMap((i): Case[] => [
    drawn('Conv3D', `${i}`, (r) => {
      const x = volume(r)
      const filter = [whole(r, 1, 3), whole(r, 1, 3), whole(r, 1, 3), x[4]!, whole(r, 1, 3)]
      const pad = pick(r, ['same', 'valid'] as const)
      const strides = below(r, filter)
      return {
        inputs: { x: r.floats(x, -1, 1), f: r.floats(filter, -1, 1) },
        fn: ({ x: a, f }) => tf.conv3d(a as Tensor5D, f as Tensor5D, strides, pad),
      }
    }),
    drawn('Conv3DBackpropInputV2', `${i}`, (r) => {
      const x = volume(r, 2)
      const filter = [whole(r, 1, 3), whole(r, 1, 3), whole(r, 1, 3), whole(r, 1, 2), x[4]!]
      const strides = below(r, filter)
      const out = [x[0]!, x[1]! * strides[0], x[2]! * strides[1], x[3]! * strides[2], filter[3]!]
      return {
        inputs: { x: r.floats(x, -1, 1), f: r.floats(filter, -1, 1) },
        fn: ({ x: a, f }) => tf.conv3dTranspose(a as Tensor5D, f as Tensor5D, out as never, strides, 'same'),
      }
    }),
    drawn('MaxPool3D', `${i}`, (r) => {
      const [size, pad] = [whole(r, 1, 3), pick(r, ['same', 'valid'] as const)]
      const strides = whole(r, 1, Math.min(2, size))
      return { inputs: { x: r.floats(volume(r)) }, fn: one((x) => tf.maxPool3d(x as Tensor5D, size, strides, pad)) }
    }),
    drawn('AvgPool3D', `${i}`, (r) => {
      const [size, pad] = [whole(r, 1, 3), pick(r, ['same', 'valid'] as const)]
      const strides = whole(r, 1, Math.min(2, size))
      return { inputs: { x: r.floats(volume(r)) }, fn: one((x) => tf.avgPool3d(x as Tensor5D, size, strides, pad)) }
    }),
    drawn('Dilation2D', `${i}`, (r) => {
      const x = [whole(r, 1, 2), whole(r, 4, 6), whole(r, 4, 6), whole(r, 1, 3)]
      const [strides, dilations, pad] = [whole(r, 1, 2), whole(r, 1, 2), pick(r, ['same', 'valid'] as const)]
      return {
        inputs: { x: r.floats(x), f: r.floats([whole(r, 1, 2), whole(r, 1, 2), x[3]!]) },
        fn: ({ x: a, f }) => tf.dilation2d(a as Tensor4D, f as Tensor3D, strides, pad, dilations),
      }
    }),
    drawn('LRN', `${i}`, (r) => {
      const [reach, x] = [whole(r, 1, 3), [1, whole(r, 1, 3), whole(r, 1, 3), whole(r, 2, 6)]]
      return { inputs: { x: r.floats(x) }, fn: one((t) => tf.localResponseNormalization(t as Tensor4D, reach, 1.5, 0.8, 0.6)) }
    }),
    drawn('FusedBatchNorm', `${i}`, (r) => {
      const c = whole(r, 1, 4)
      const x = [whole(r, 1, 3), whole(r, 1, 3), whole(r, 1, 3), c]
      return {
        inputs: { x: r.floats(x), m: r.floats([c]), v: r.floats([c], 0.5, 2), s: r.floats([c]), o: r.floats([c]) },
        fn: (t) => tf.batchNorm(t['x']!, t['m'] as never, t['v'] as never, t['o'], t['s'], 0.01),
      }
    }),
    drawn('FlipLeftRight', `${i}`, (r) => ({
      inputs: { x: r.floats([whole(r, 1, 2), whole(r, 1, 4), whole(r, 2, 4), whole(r, 1, 3)]) },
      fn: one((x) => tf.image.flipLeftRight(x as Tensor4D)),
    })),
    drawn('DepthToSpace', `${i}`, (r) => {
      const b = whole(r, 2, 3)
      return {
        inputs: { x: r.floats([whole(r, 1, 2), whole(r, 1, 3), whole(r, 1, 3), b * b * whole(r, 1, 2)]) },
        fn: one((x) => tf.depthToSpace(x as Tensor4D, b, 'NHWC')),
      }
    }),
    drawn('SpaceToBatchND', `${i}`, (r) => {
      const [a, b] = [whole(r, 1, 3), whole(r, 1, 2)]
      const padding = [[whole(r, 0, 1) * a, 0], [0, whole(r, 0, 1) * b]] // prettier-ignore
      return {
        inputs: { x: r.floats([whole(r, 1, 2), a * whole(r, 1, 3), b * whole(r, 1, 3), whole(r, 1, 2)]) },
        fn: one((x) => tf.spaceToBatchND(x, [a, b], padding)),
      }
    }),
    drawn('BatchToSpaceND', `${i}`, (r) => {
      const [a, b] = [whole(r, 1, 3), whole(r, 1, 2)]
      return {
        inputs: { x: r.floats([a * b * whole(r, 1, 2), whole(r, 2, 3), whole(r, 2, 3), whole(r, 1, 2)]) },
        fn: one((x) => tf.batchToSpaceND(x, [a, b], [[0, 1], [1, 0]])), // prettier-ignore
      }
    }),
    at('Diag', `of ${i === 0 ? 'int32' : 'bool'}`, (r) => ({ x: i === 0 ? r.integers([3], 9) : r.bools([3]) }), one(tf.diag)),
    drawn('Diag', `${i}`, (r) => ({ inputs: { x: r.floats(i === 0 ? [whole(r, 1, 5)] : [2, whole(r, 1, 3)]) }, fn: one(tf.diag) })),
    drawn('TensorScatterUpdate', `${i}`, (r) => {
      const [n, c] = [whole(r, 3, 5), whole(r, 1, 3)]
      return {
        inputs: { x: r.floats([n, c]), u: r.floats([2, c]) },
        fn: ({ x, u }) => tf.tensorScatterUpdate(x!, tf.tensor2d([n - 1, 0], [2, 1], 'int32'), u!),
      }
    }),
    drawn('SparseToDense', `${i}`, (r) => {
      const n = whole(r, 3, 6)
      return {
        inputs: { u: r.floats([2]), d: r.floats([]) },
        fn: ({ u, d }) =>
          i === 0
            ? tf.sparseToDense(tf.tensor1d([n - 1, 0], 'int32'), u!, [n], d as never)
            : tf.sparseToDense(tf.tensor2d([0, 1, n - 1, 0], [2, 2], 'int32'), u!, [n, 2], d as never),
      }
    }),
  ]),
  at(
    'SparseToDense',
    'one value at several places',
    (r) => ({ u: r.floats([]), i: { shape: [2], dtype: 'int32', data: Int32Array.of(1, 3) } }),
    ({ u, i }) => tf.sparseToDense(i!, u!, [5], 0.5),
  ),
]
