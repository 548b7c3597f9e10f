import { anyShape, drawn, pair, pick, sizes, whole, x1, type Case, type Random } from './case.js'
import { drawnConvolutions } from './drawn-convolutions.js'
import { tf, type Tensor, type Tensor1D } from '../tensor.js'

const axisOf = (r: Random, shape: readonly number[]): number => whole(r, -shape.length, shape.length - 1)
const reduction = (kernel: string, fn: (x: Tensor, axis: number | number[], keep: boolean) => Tensor, low = -2, high = 2): Case =>
  x1(
    kernel,
    'some axes',
    (r) => {
      const shape = anyShape(r, 1)
      const axes = shape.map((_, i) => i).filter(() => whole(r, 0, 1) === 0)
      const keep = whole(r, 0, 1) === 0
      return [shape, (x) => fn(x, axes, keep)]
    },
    low,
    high,
  )
const along = (kernel: string, fn: (x: Tensor, axis: number, flags: readonly [boolean, boolean]) => Tensor): Case =>
  x1(kernel, 'an axis', (r) => {
    const shape = anyShape(r, 1)
    const [axis, flags] = [axisOf(r, shape), [whole(r, 0, 1) === 0, whole(r, 0, 1) === 0] as const]
    return [shape, (x) => fn(x, axis, flags)]
  })

const reductions: readonly Case[] = [
  reduction('Sum', (x, axis, keep) => tf.sum(x, axis, keep)),
  reduction('Mean', (x, axis, keep) => tf.mean(x, axis, keep)),
  reduction('Prod', (x, axis, keep) => tf.prod(x, axis, keep), 0.5, 1.5),
  reduction('Max', (x, axis, keep) => tf.max(x, axis, keep)),
  reduction('Min', (x, axis, keep) => tf.min(x, axis, keep)),
  reduction('All', (x, axis, keep) => tf.all(x.greater(-1), axis, keep)),
  reduction('Any', (x, axis, keep) => tf.any(x.greater(1), axis, keep)),
  along('ArgMax', (x, axis) => tf.argMax(x, axis)),
  along('ArgMin', (x, axis) => tf.argMin(x, axis)),
  along('Cumsum', (x, axis, [exclusive, reverse]) => tf.cumsum(x, axis < 0 ? axis + x.rank : axis, exclusive, reverse)),
  along('Cumprod', (x, axis, [exclusive, reverse]) => tf.cumprod(x, axis < 0 ? axis + x.rank : axis, exclusive, reverse)),
  along('Reverse', (x, axis) => tf.reverse(x, axis)),
  x1('Softmax', 'last axis', (r) => [anyShape(r, 1), (x) => tf.softmax(x)]),
  x1('LogSoftmax', 'last axis', (r) => [anyShape(r, 1), (x) => tf.logSoftmax(x)]),
  x1('TopK', 'values', (r) => {
    const shape = [...sizes(r, whole(r, 0, 2)), whole(r, 3, 6)]
    const k = whole(r, 1, 3)
    return [shape, (x) => tf.topk(x, k).values]
  }),
]

const moves: readonly Case[] = [
  x1('Reshape', 'two parts', (r) => {
    const [a, b, c] = sizes(r, 3) as [number, number, number]
    return [[a * b, c], (x) => tf.reshape(x, [b, -1])]
  }),
  x1('ExpandDims', 'anywhere', (r) => {
    const shape = anyShape(r).slice(0, 3)
    const axis = whole(r, 0, shape.length)
    return [shape, (x) => tf.expandDims(x, axis)]
  }),
  x1('Transpose', 'any order', (r) => {
    const shape = anyShape(r, 1)
    const order = [...r.floats([shape.length]).data].map((key, i) => [key, i] as const).sort((a, b) => a[0] - b[0])
    return [shape, (x) => tf.transpose(x, order.map(([, i]) => i))] // prettier-ignore
  }),
  x1('Tile', 'repeats', (r) => {
    const shape = anyShape(r, 1)
    const reps = sizes(r, shape.length, 1, 3)
    return [shape, (x) => tf.tile(x, reps)]
  }),
  x1('Slice', 'inside', (r) => {
    const shape = anyShape(r, 1)
    const begin = shape.map((n) => whole(r, 0, n - 1))
    const size = shape.map((n, i) => whole(r, 1, n - begin[i]!))
    return [shape, (x) => tf.slice(x, begin, size)]
  }),
  x1('StridedSlice', 'steps', (r) => {
    const shape = sizes(r, whole(r, 1, 3), 2, 6)
    const strides = shape.map(() => pick(r, [1, 2, -1, -2]))
    const begin = shape.map((n, i) => (strides[i]! > 0 ? 0 : n - 1))
    const end = shape.map((n, i) => (strides[i]! > 0 ? n : -n - 1))
    return [shape, (x) => tf.stridedSlice(x, begin, end, strides)]
  }),
  x1('PadV2', 'around', (r) => {
    const shape = anyShape(r, 1)
    const widths = shape.map(() => pair(r, 0, 2))
    return [shape, (x) => tf.pad(x, widths, 0.5)]
  }),
  x1('MirrorPad', 'around', (r) => {
    const shape = sizes(r, whole(r, 1, 3), 3, 5)
    const [widths, mode] = [shape.map(() => pair(r, 0, 2)), pick(r, ['reflect', 'symmetric'] as const)]
    return [shape, (x) => tf.mirrorPad(x, widths, mode)]
  }),
  drawn('Concat', 'an axis', (r) => {
    const shape = anyShape(r, 1)
    const axis = whole(r, 0, shape.length - 1)
    const other = shape.map((n, i) => (i === axis ? whole(r, 1, 3) : n))
    return { inputs: { a: r.floats(shape), b: r.floats(other) }, fn: ({ a, b }) => tf.concat([a!, b!, a!], axis) }
  }),
  drawn('Pack', 'an axis', (r) => {
    const shape = anyShape(r).slice(0, 3)
    const axis = whole(r, 0, shape.length)
    return { inputs: { a: r.floats(shape), b: r.floats(shape) }, fn: ({ a, b }) => tf.stack([a!, b!], axis) }
  }),
  x1('Unpack', 'an axis', (r) => {
    const shape = anyShape(r, 1)
    const axis = whole(r, 0, shape.length - 1)
    return [shape, (x) => tf.unstack(x, axis).reduce((a, b) => a.mul(2).add(b))]
  }),
  x1('SplitV', 'an axis', (r) => {
    const [shape, cut] = [sizes(r, 2, 5, 6), whole(r, 1, 2)]
    return [shape, (x) => tf.mul(...(tf.split(x, [cut, cut, shape[1]! - 2 * cut], 1).slice(0, 2) as [Tensor, Tensor]))]
  }),
  drawn('AddN', 'several', (r) => {
    const shape = anyShape(r)
    return { inputs: { a: r.floats(shape), b: r.floats(shape) }, fn: ({ a, b }) => tf.addN([a!, b!, a!]) }
  }),
  x1('Cast', 'there and back', (r) => [
    anyShape(r),
    (x) => x.mul(tf.cast(tf.cast(x, 'int32'), 'float32')).add(x.cast('bool').cast('float32')),
  ]),
  drawn('Select', 'by a comparison', (r) => {
    const shape = anyShape(r)
    return { inputs: { a: r.floats(shape), b: r.floats(shape) }, fn: ({ a, b }) => tf.where(a!.greater(b!), a!.square(), b!.mul(a!)) }
  }),
  drawn('LogicalNot', 'of a comparison', (r) => ({
    inputs: { a: r.floats(anyShape(r)) },
    fn: ({ a }) => a!.mul(tf.logicalNot(tf.logicalXor(a!.greater(0), a!.less(1))).cast('float32')),
  })),
]

const lookups: readonly Case[] = [
  drawn('GatherV2', 'an axis', (r) => {
    const shape = anyShape(r, 1)
    const axis = whole(r, 0, shape.length - 1)
    return {
      inputs: { x: r.floats(shape), i: r.integers(anyShape(r).slice(0, 2), shape[axis]!) },
      fn: ({ x, i }) => tf.gather(x!, i!, axis),
    }
  }),
  drawn('GatherV2', 'batched', (r) => {
    const [b, n, c, m] = sizes(r, 4) as [number, number, number, number]
    return { inputs: { x: r.floats([b, n, c]), i: r.integers([b, m], n) }, fn: ({ x, i }) => tf.gather(x!, i!, 1, 1) }
  }),
  drawn('GatherNd', 'pairs', (r) => {
    const n = whole(r, 2, 4)
    return {
      inputs: { x: r.floats([n, n, ...sizes(r, whole(r, 0, 1))]), i: r.integers([whole(r, 1, 4), 2], n) },
      fn: ({ x, i }) => tf.gatherND(x!, i!),
    }
  }),
  drawn('ScatterNd', 'with repeats', (r) => {
    const [n, m, c] = sizes(r, 3, 2, 5) as [number, number, number]
    return { inputs: { i: r.integers([m, 1], n), u: r.floats([m, c]) }, fn: ({ i, u }) => tf.scatterND(i!, u!, [n, c]) }
  }),
  drawn('UnsortedSegmentSum', 'rows', (r) => {
    const [n, m] = pair(r, 2, 5)
    return {
      inputs: { x: r.floats([m, ...sizes(r, whole(r, 0, 2))]), s: r.integers([m], n) },
      fn: ({ x, s }) => tf.unsortedSegmentSum(x!, s as Tensor1D, n),
    }
  }),
  drawn('OneHot', 'beside floats', (r) => {
    const n = whole(r, 1, 4)
    return { inputs: { x: r.floats([n, 3]), i: r.integers([n], 3) }, fn: ({ x, i }) => x!.mul(tf.oneHot(i as Tensor1D, 3).cast('float32')) }
  }),
]

const products: readonly Case[] = [
  drawn('BatchMatMul', 'batched, transposed', (r) => {
    const [m, k, n] = sizes(r, 3) as [number, number, number]
    const [batch, ta, tb] = [sizes(r, whole(r, 0, 2)), whole(r, 0, 1) === 0, whole(r, 0, 1) === 0]
    return {
      inputs: { a: r.floats([...batch, ...(ta ? [k, m] : [m, k])]), b: r.floats([...batch, ...(tb ? [n, k] : [k, n])]) },
      fn: ({ a, b }) => tf.matMul(a!, b!, ta, tb),
    }
  }),
  drawn('_FusedMatMul', 'bias and activation', (r) => {
    const [m, k, n] = sizes(r, 3) as [number, number, number]
    const activation = pick(r, ['relu', 'elu', 'sigmoid', 'linear'] as const)
    return {
      inputs: { a: r.floats([m, k]), b: r.floats([k, n]), c: r.floats([n]) },
      fn: ({ a, b, c }) => tf.fused.matMul({ a: a!, b: b!, bias: c!, activation }),
    }
  }),
  drawn('Einsum', 'a sum over two', (r) => {
    const [b, i, j, k] = sizes(r, 4) as [number, number, number, number]
    return { inputs: { x: r.floats([b, i, j]), y: r.floats([j, b, k]) }, fn: ({ x, y }) => tf.einsum('bij,jbk->ik', x!, y!) }
  }),
]

/** Uses whose shapes are drawn: each kernel has one here, or by its family or composition. */
export const drawnCases: readonly Case[] = [
  ...reductions,
  ...moves,
  ...lookups,
  ...products,
  ...drawnConvolutions,
  drawn('EluGrad', 'gradient of elu', (r) => ({
    inputs: { x: r.floats(anyShape(r)) },
    fn: ({ x }) => tf.grad((z) => tf.sum(tf.square(tf.elu(z))))(x!),
  })),
]
