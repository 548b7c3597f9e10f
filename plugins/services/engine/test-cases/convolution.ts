import { at, type Case } from './case.js'
import { tf, type Tensor4D } from '../tensor.js'

type Pad = 'same' | 'valid' | number | [[number, number], [number, number], [number, number], [number, number]]

/** A convolution: images, filter, strides, padding, dilations. */
interface Use {
  readonly x: readonly [number, number, number, number]
  readonly filter: readonly [number, number, number, number]
  readonly strides?: [number, number]
  readonly pad: Pad
  readonly dilations?: [number, number]
}

const explicit: Pad = [
  [0, 0],
  [2, 1],
  [0, 3],
  [0, 0],
]

/** One on every side, said for each: of a number tfjs' own kernels make a square. */
const even: Pad = [
  [0, 0],
  [1, 1],
  [1, 1],
  [0, 0],
]

const uses: readonly Use[] = [
  { x: [2, 5, 6, 3], filter: [3, 3, 3, 4], pad: 'same' },
  { x: [2, 5, 6, 3], filter: [3, 2, 3, 4], pad: 'valid' },
  { x: [1, 7, 5, 1], filter: [3, 3, 1, 2], strides: [2, 2], pad: 'same' },
  { x: [2, 6, 8, 2], filter: [3, 3, 2, 3], strides: [2, 3], pad: even },
  { x: [2, 6, 4, 2], filter: [1, 1, 2, 3], pad: 'valid' },
  { x: [2, 6, 5, 2], filter: [1, 1, 2, 3], strides: [2, 2], pad: 'same' },
  { x: [1, 1, 1, 1], filter: [1, 1, 1, 1], pad: 'valid' },
  { x: [3, 4, 4, 2], filter: [4, 4, 2, 5], pad: 'valid' },
  { x: [2, 5, 4, 2], filter: [2, 3, 2, 3], strides: [1, 2], pad: explicit },
  { x: [2, 1, 8, 3], filter: [1, 3, 3, 2], pad: 'same' },
]
const dilated: readonly Use[] = [
  { x: [2, 7, 8, 2], filter: [3, 3, 2, 3], pad: 'same', dilations: [2, 2] },
  { x: [1, 7, 9, 2], filter: [3, 2, 2, 3], pad: 'valid', dilations: [1, 3] },
]

const say = ({ x, filter, strides, pad, dilations }: Use): string =>
  `[${x}] by [${filter}], strides ${strides ?? 1}, ${typeof pad === 'object' ? 'explicit' : pad}${dilations ? `, dilations ${dilations}` : ''}`

const run = (x: unknown, f: unknown, u: Use): Tensor4D =>
  tf.conv2d(x as Tensor4D, f as Tensor4D, u.strides ?? 1, u.pad, 'NHWC', u.dilations ?? 1)

const depthwise = (x: unknown, f: unknown, u: Use): Tensor4D =>
  tf.depthwiseConv2d(x as Tensor4D, f as Tensor4D, u.strides ?? 1, u.pad, 'NHWC', u.dilations ?? 1)

/** The use with a filter of so many results a channel. */
const multiplied = (u: Use, m: number): Use => ({ ...u, filter: [u.filter[0], u.filter[1], u.filter[2], m] })

const of = (kernel: string, u: Use, conv: typeof run, by?: 'x' | 'f'): Case =>
  at(
    kernel,
    say(u) + (by ? `, gradient by ${by}` : ''),
    (r) => ({ x: r.floats(u.x, -1, 1), f: r.floats(u.filter, -1, 1) }),
    ({ x, f }) => {
      if (by === 'x') return tf.grad((z) => conv(z, f, u).square().sum())(x!)
      if (by === 'f') return tf.grad((z) => conv(x, z, u).square().sum())(f!)
      return conv(x, f, u)
    },
  )

const thin = uses.flatMap((u, i) => (i === 6 ? [] : [multiplied(u, 1 + (i % 2))]))

/** Convolutions and their gradients. */
export const convolutions: readonly Case[] = [
  ...[...uses, ...dilated].map((u) => of('Conv2D', u, run)),
  ...uses.map((u) => of('Conv2DBackpropInput', u, run, 'x')),
  ...uses.map((u) => of('Conv2DBackpropFilter', u, run, 'f')),
  ...dilated.flatMap((u) => [of('Conv2D', u, run, 'x'), of('Conv2D', u, run, 'f')]),
  ...[...thin, ...dilated].map((u) => of('DepthwiseConv2dNative', u, depthwise)),
  ...thin.map((u) => of('DepthwiseConv2dNativeBackpropInput', u, depthwise, 'x')),
  ...thin.map((u) => of('DepthwiseConv2dNativeBackpropFilter', u, depthwise, 'f')),
  ...dilated.flatMap((u) => [of('DepthwiseConv2dNative', u, depthwise, 'x'), of('DepthwiseConv2dNative', u, depthwise, 'f')]),
  at(
    'Conv2D',
    'in one dimension',
    (r) => ({ x: r.floats([2, 9, 3]), f: r.floats([3, 3, 2]) }),
    ({ x, f }) => tf.conv1d(x as never, f as never, 2, 'same'),
  ),
  at(
    'Conv2D',
    'in one dimension, dilated',
    (r) => ({ x: r.floats([2, 9, 3]), f: r.floats([3, 3, 2]) }),
    ({ x, f }) => tf.conv1d(x as never, f as never, 1, 'same', 'NWC', 2),
  ),
  at(
    'Conv2DBackpropInput',
    'transposed convolution',
    (r) => ({ x: r.floats([2, 3, 4, 2]), f: r.floats([3, 3, 5, 2]) }),
    ({ x, f }) => tf.conv2dTranspose(x as Tensor4D, f as Tensor4D, [2, 6, 8, 5], 2, 'same'),
  ),
  ...(['x', 'f'] as const).map((by) =>
    at(
      'Conv2D',
      `channels first, gradient by ${by}`,
      (r) => ({ x: r.floats([2, 3, 5, 6], -1, 1), f: r.floats([3, 3, 3, 4], -1, 1) }),
      ({ x, f }) => {
        const y = (a: unknown, b: unknown) =>
          tf
            .conv2d(a as Tensor4D, b as Tensor4D, 1, 1, 'NCHW')
            .square()
            .sum()
        return by === 'x' ? tf.grad((z) => y(z, f))(x!) : tf.grad((z) => y(x, z))(f!)
      },
    ),
  ),
  ...(['relu', 'linear', 'sigmoid'] as const).map((activation) =>
    at(
      'FusedConv2D',
      activation,
      (r) => ({ x: r.floats([2, 5, 6, 3], -1, 1), f: r.floats([3, 3, 3, 4], -1, 1), b: r.floats([4]) }),
      ({ x, f, b }) => tf.fused.conv2d({ x: x as Tensor4D, filter: f as Tensor4D, strides: 1, pad: 'same', bias: b!, activation }),
    ),
  ),
  at(
    'FusedDepthwiseConv2D',
    'relu6',
    (r) => ({ x: r.floats([2, 5, 6, 3], -1, 1), f: r.floats([3, 3, 3, 2], -1, 1), b: r.floats([6]) }),
    ({ x, f, b }) =>
      tf.fused.depthwiseConv2d({ x: x as Tensor4D, filter: f as Tensor4D, strides: 1, pad: 'same', bias: b!, activation: 'relu6' }),
  ),
]
