import { drawn, pair, pick, sizes, whole, x1, type Case, type Pair, type Random } from './case.js'
import { tf, type Tensor, type Tensor3D, type Tensor4D } from '../tensor.js'

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
  const [filter, strides]: [Pair, Pair] = [pair(r, 1, 3), stretched ? [1, 1] : pair(r, 1, 2)]
  // tfjs itself takes one number of zeros rightly only where rows and columns are alike.
  const square = [filter, strides, dilations].every(([rows, columns]) => rows === columns)
  return {
    x: [whole(r, 1, 2), whole(r, 5, 7), whole(r, 5, 7), c],
    filter: [...filter, c, results],
    strides,
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

/** Convolutions and windows of drawn sizes, strides, dilations and paddings. */
export const drawnConvolutions: readonly Case[] = [0, 1].flatMap((i): Case[] => [
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
