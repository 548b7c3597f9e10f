import type { TapeNode } from '../kit.js'
import { tf, type Tensor } from '../tensor.js'

/** A kernel that was called, and how its inputs change: `d` by name, absent where they do not. */
export interface Called {
  readonly node: TapeNode
  readonly x: Readonly<Record<string, Tensor>>
  readonly d: Readonly<Record<string, Tensor>>
  readonly attrs: Readonly<Record<string, unknown>>
}

/** How the results of a kernel change with its inputs; nothing where they do not. */
export type Rule = (called: Called) => Tensor | readonly Tensor[] | undefined

const run = ({ node, x, attrs }: Called, inputs: Readonly<Record<string, Tensor>>, other = {}): Tensor | Tensor[] =>
  tf.engine().runKernel(node.kernelName, { ...x, ...inputs }, { ...attrs, ...other })

const sum = (parts: readonly Tensor[]): Tensor | undefined => (parts.length > 1 ? tf.addN([...parts]) : parts[0])

/** The kernel itself, linear in `name` with the others as they are. */
const linear =
  (name: string, other = {}): Rule =>
  (c) =>
    c.d[name] && run(c, { [name]: c.d[name] }, other)

/** Linear in each of the inputs: what each contributes, added up. */
const multilinear: Rule = (c) => sum(Object.entries(c.d).map(([name, dx]) => run(c, { [name]: dx }) as Tensor))

/** Linear in the list of inputs as a whole. */
const lists: Rule = (c) =>
  tf.engine().runKernel<Tensor>(c.node.kernelName, Object.values(c.x).map((x, i) => c.d[i] ?? tf.zerosLike(x)) as never, c.attrs as never) // prettier-ignore

/** Jacobians that are symmetric, as diagonal ones are: J v is Jᵀ v, which the kernel's own gradient is. */
const symmetric: Rule = ({ node, d }) => {
  const [name, dx] = Object.entries(d)[0]!
  return node.gradient!([dx])[name]!()
}

const flat: Rule = () => undefined

const out = ({ node }: Called): Tensor => node.outputs[0]!
const filled = (d: Tensor | undefined, like: Tensor): Tensor | undefined =>
  d && (tf.util.arraysEqual(d.shape, like.shape) ? d : tf.broadcastTo(d, like.shape))

/** Of two operands: the change of each times a factor of the result's shape, or none for 1. */
const pairwise =
  (by: (c: Called) => Readonly<Record<string, () => Tensor>>): Rule =>
  (c) => {
    const factors = by(c)
    return sum(Object.entries(c.d).map(([name, d]) => (factors[name] ? tf.mul(d, factors[name]()) : filled(d, out(c))!)))
  }
const mask = (x: Tensor): Tensor => tf.cast(x, 'float32')

const each = (names: string, rule: Rule): Readonly<Record<string, Rule>> => Object.fromEntries(names.split(' ').map((n) => [n, rule]))

/**
 * Forward derivatives by kernel. A kernel that is not here is pushed by the derivative of its gradient, which is linear:
 * max, min, prod, top-k, pow with a changing exponent, prelu, max pooling and what is composed of others; custom gradients too.
 */
export const rules: Readonly<Record<string, Rule>> = {
  ...each(
    'Abs Acos Acosh Asin Asinh Atan Atanh Cos Cosh Elu Erf Exp Expm1 LeakyRelu Log Log1p Reciprocal Rsqrt Selu Sigmoid Sin Sinh Softplus Sqrt Tan Tanh',
    symmetric,
  ),
  ...each('ClipByValue Neg Relu Relu6 Square Softmax', symmetric),
  ...each('Ceil Floor FloorDiv Round Sign Step ZerosLike OnesLike', flat),
  ...each(
    'Identity Transpose Slice StridedSlice Tile Reverse MirrorPad SplitV Reshape Sum Mean Cumsum GatherV2 UnsortedSegmentSum',
    linear('x'),
  ),
  ...each('AvgPool AvgPool3D SpaceToBatchND BatchToSpaceND DepthToSpace Diag', linear('x')),
  ...each('ResizeBilinear ResizeNearestNeighbor', linear('images')),
  ...each('AvgPoolGrad MaxPoolGrad', linear('dy')),
  PadV2: linear('x', { constantValue: 0 }),
  ExpandDims: linear('input'),
  Unpack: linear('value'),
  GatherNd: linear('params'),
  ScatterNd: linear('updates'),
  FlipLeftRight: linear('image'),
  Cast: ({ d }) => d['x'] && tf.clone(d['x']),
  ...each('BatchMatMul Conv2D Conv2DBackpropInput Conv2DBackpropFilter Einsum Multiply Conv3D Conv3DBackpropInputV2', multilinear),
  ...each('DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput DepthwiseConv2dNativeBackpropFilter', multilinear),
  ...each('Concat Pack AddN', lists),
  Add: pairwise(() => ({})),
  Sub: (c) => {
    const { a, b } = c.d
    return a && b ? tf.sub(a, b) : filled(a ?? tf.neg(b!), out(c))
  },
  RealDiv: (c) => {
    const [{ a, b }, by] = [c.d, c.x['b']!]
    const change = b && tf.mul(out(c), b)
    return tf.div(a ? (change ? tf.sub(a, change) : a) : tf.neg(change!), by)
  },
  SquaredDifference: pairwise(({ x }) => {
    const twice = (): Tensor => tf.mul(tf.sub(x['a']!, x['b']!), 2)
    return { a: twice, b: () => tf.neg(twice()) }
  }),
  Maximum: pairwise(({ x }) => ({
    a: () => mask(tf.greaterEqual(x['a']!, x['b']!)),
    b: () => mask(tf.less(x['a']!, x['b']!)),
  })),
  Minimum: pairwise(({ x }) => ({
    a: () => mask(tf.lessEqual(x['a']!, x['b']!)),
    b: () => mask(tf.greater(x['a']!, x['b']!)),
  })),
  Atan2: pairwise(({ x }) => {
    const [a, b] = [x['a']!, x['b']!]
    const square = (): Tensor => tf.add(tf.square(a), tf.square(b))
    return { a: () => tf.div(b, square()), b: () => tf.neg(tf.div(a, square())) }
  }),
  Mod: (c) => {
    const [{ a, b }, x] = [c.d, c.x]
    const whole = b && tf.mul(tf.floor(tf.div(x['a']!, x['b']!)), b)
    return whole ? (a ? tf.sub(a, whole) : tf.neg(whole)) : filled(a, out(c))
  },
  EluGrad: pairwise(({ x }) => {
    const [dy, y] = [x['dy']!, x['y']!]
    const below = (): Tensor => mask(tf.lessEqual(y, 0))
    return { dy: () => tf.add(1, tf.mul(below(), y)), y: () => tf.mul(below(), dy) }
  }),
  LogSoftmax: (c) => {
    const dx = c.d['logits']!
    return tf.sub(dx, tf.sum(tf.mul(tf.exp(out(c)), dx), -1, true))
  },
  Select: ({ x, d }) => tf.where(x['condition']!, d['t'] ?? tf.zerosLike(x['t']!), d['e'] ?? tf.zerosLike(x['e']!)),
}
