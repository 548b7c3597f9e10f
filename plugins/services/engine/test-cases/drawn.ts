import { anyShape, drawn, pick, sizes, whole, type Case, type Random } from './case.js'
import { tf, type Tensor, type Tensor1D, type Tensor3D, type Tensor4D } from '../tensor.js'

type Pair = [number, number]
const pair = (r: Random, low: number, high: number): Pair => [whole(r, low, high), whole(r, low, high)]
const x1 = (
  kernel: string,
  name: string,
  make: (r: Random) => readonly [readonly number[], (x: Tensor) => Tensor],
  low = -2,
  high = 2,
): Case =>
  drawn(kernel, name, (r) => {
    const [shape, fn] = make(r)
    return { inputs: { x: r.floats(shape, low, high) }, fn: ({ x }) => fn(x!) }
  })

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

interface Conv {
  readonly x: number[]
  readonly filter: number[]
  readonly strides: Pair
  readonly pad: 'same' | 'valid' | number
  readonly dilations: Pair
}

/** Strides or dilations, not both, as tfjs has it. */
function anyConv(r: Random, results: number): Conv {
  const [c, stretched] = [whole(r, 1, 3), whole(r, 0, 2) === 0]
  const dilations: Pair = stretched ? pair(r, 1, 2) : [1, 1]
  const filter = pair(r, 1, 3)
  // tfjs itself takes one number of zeros for square filters alone.
  const square = filter[0] === filter[1] && dilations[0] === dilations[1]
  return {
    x: [whole(r, 1, 2), whole(r, 5, 7), whole(r, 5, 7), c],
    filter: [...filter, c, results],
    strides: dilations.every((d) => d === 1) ? pair(r, 1, 2) : [1, 1],
    pad: pick(r, square ? (['same', 'valid', 1] as const) : (['same', 'valid'] as const)),
    dilations,
  }
}
const twoOf = (r: Random, { x, filter }: Conv) => ({ x: r.floats(x, -1, 1), f: r.floats(filter, -1, 1) })
const gradient = (by: 'x' | 'f', y: (x: Tensor, f: Tensor) => Tensor) => (t: Readonly<Record<string, Tensor>>) => {
  const given = { x: t['x']!, f: t['f']! }
  return tf.grad((z) => tf.sum(tf.square(y(by === 'x' ? z : given.x, by === 'f' ? z : given.f))))(given[by])
}
const conv = (u: Conv) => (x: Tensor, f: Tensor) => tf.conv2d(x as Tensor4D, f as Tensor4D, u.strides, u.pad, 'NHWC', u.dilations)
const thin = (u: Conv) => (x: Tensor, f: Tensor) => tf.depthwiseConv2d(x as Tensor4D, f as Tensor4D, u.strides, u.pad, 'NHWC', u.dilations)

const convolutions: readonly Case[] = [0, 1].flatMap((i): Case[] => [
  drawn('Conv2D', `${i}`, (r) => {
    const u = anyConv(r, whole(r, 1, 3))
    return { inputs: twoOf(r, u), fn: ({ x, f }) => conv(u)(x!, f!) }
  }),
  drawn('Conv2DBackpropInput', `${i}`, (r) => {
    const u = anyConv(r, whole(r, 1, 3))
    return { inputs: twoOf(r, u), fn: gradient('x', conv(u)) }
  }),
  drawn('Conv2DBackpropFilter', `${i}`, (r) => {
    const u = anyConv(r, whole(r, 1, 3))
    return { inputs: twoOf(r, u), fn: gradient('f', conv(u)) }
  }),
  drawn('DepthwiseConv2dNative', `${i}`, (r) => {
    const u = anyConv(r, whole(r, 1, 2))
    return { inputs: twoOf(r, u), fn: ({ x, f }) => thin(u)(x!, f!) }
  }),
  drawn('DepthwiseConv2dNativeBackpropInput', `${i}`, (r) => {
    const u = anyConv(r, whole(r, 1, 2))
    return { inputs: twoOf(r, u), fn: gradient('x', thin(u)) }
  }),
  drawn('DepthwiseConv2dNativeBackpropFilter', `${i}`, (r) => {
    const u = anyConv(r, whole(r, 1, 2))
    return { inputs: twoOf(r, u), fn: gradient('f', thin(u)) }
  }),
  drawn('Conv2DBackpropInput', `transposed ${i}`, (r) => {
    const [n, h, w, c, o] = sizes(r, 5, 1, 3) as [number, number, number, number, number]
    const s = pair(r, 1, 2)
    return {
      inputs: { x: r.floats([n, h, w, c], -1, 1), f: r.floats([...pair(r, 1, 3), o, c], -1, 1) },
      fn: ({ x, f }) => tf.conv2dTranspose(x as Tensor4D, f as Tensor4D, [n, h * s[0], w * s[1], o], s, 'same'),
    }
  }),
  drawn('Conv2D', `one dimension ${i}`, (r) => {
    const [n, t, c, k, o] = [whole(r, 1, 2), whole(r, 4, 9), whole(r, 1, 3), whole(r, 1, 3), whole(r, 1, 3)]
    const [stride, pad] = [whole(r, 1, 2), pick(r, ['same', 'valid'] as const)]
    return {
      inputs: { x: r.floats([n, t, c], -1, 1), f: r.floats([k, c, o], -1, 1) },
      fn: ({ x, f }) => tf.conv1d(x as Tensor3D, f as Tensor3D, stride, pad),
    }
  }),
  drawn(i === 0 ? 'FusedConv2D' : 'FusedDepthwiseConv2D', 'bias and activation', (r) => {
    const u = anyConv(r, whole(r, 1, 2))
    const activation = pick(r, ['relu', 'sigmoid', 'linear'] as const)
    const width = i === 0 ? u.filter[3]! : u.filter[2]! * u.filter[3]!
    return {
      inputs: { ...twoOf(r, { ...u, strides: [1, 1] }), b: r.floats([width]) },
      fn: ({ x, f, b }) =>
        (i === 0 ? tf.fused.conv2d : tf.fused.depthwiseConv2d)({
          x: x as Tensor4D,
          filter: f as Tensor4D,
          strides: 1,
          pad: 'same',
          bias: b!,
          activation,
        }),
    }
  }),
  ...(['max', 'avg'] as const).flatMap((kind): Case[] => {
    const make = (r: Random): readonly [readonly number[], (x: Tensor) => Tensor] => {
      const [size, strides, pad] = [pair(r, 1, 3), pair(r, 1, 2), pick(r, ['same', 'valid'] as const)]
      const shape = [whole(r, 1, 2), whole(r, 3, 6), whole(r, 3, 6), whole(r, 1, 3)]
      return [shape, (x) => (kind === 'max' ? tf.maxPool : tf.avgPool)(x as Tensor4D, size, strides, pad)]
    }
    const name = kind === 'max' ? 'MaxPool' : 'AvgPool'
    return [
      x1(name, `${i}`, make),
      x1(`${name}Grad`, `${i}`, (r) => {
        const [shape, pool] = make(r)
        return [shape, (x) => tf.grad((z) => tf.sum(tf.square(pool(z))))(x)]
      }),
    ]
  }),
  ...(['ResizeBilinear', 'ResizeNearestNeighbor'] as const).map((kernel) =>
    x1(kernel, `${i}`, (r) => {
      const [shape, to] = [[whole(r, 1, 2), whole(r, 2, 5), whole(r, 2, 5), whole(r, 1, 2)], pair(r, 2, 6)]
      const half = whole(r, 0, 1) === 0
      const resize = kernel === 'ResizeBilinear' ? tf.image.resizeBilinear : tf.image.resizeNearestNeighbor
      return [shape, (x) => resize(x as Tensor4D, to, false, half)]
    }),
  ),
])

/** Uses whose shapes are drawn: each kernel has one here, or by its family or composition. */
export const drawnCases: readonly Case[] = [
  ...reductions,
  ...moves,
  ...lookups,
  ...products,
  ...convolutions,
  drawn('EluGrad', 'gradient of elu', (r) => ({
    inputs: { x: r.floats(anyShape(r)) },
    fn: ({ x }) => tf.grad((z) => tf.sum(tf.square(tf.elu(z))))(x!),
  })),
]
