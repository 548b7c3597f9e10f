import { at, type Case } from './case.js'
import { tf, type Tensor, type Tensor4D } from '../tensor.js'

interface Pooling {
  readonly x: readonly [number, number, number, number]
  readonly size: [number, number]
  readonly strides: [number, number]
  readonly pad: 'same' | 'valid' | number
  readonly rounding?: 'ceil'
}

const poolings: readonly Pooling[] = [
  { x: [2, 4, 6, 3], size: [2, 2], strides: [2, 2], pad: 'valid' },
  { x: [2, 5, 7, 2], size: [2, 2], strides: [2, 2], pad: 'valid' },
  { x: [2, 5, 7, 2], size: [2, 2], strides: [2, 2], pad: 'same' },
  { x: [2, 5, 6, 2], size: [3, 2], strides: [2, 1], pad: 'same' },
  { x: [1, 6, 6, 1], size: [3, 3], strides: [1, 1], pad: 1 },
  { x: [2, 4, 4, 3], size: [4, 4], strides: [4, 4], pad: 'valid' },
  { x: [2, 4, 4, 3], size: [1, 1], strides: [1, 1], pad: 'valid' },
  { x: [1, 6, 5, 2], size: [2, 2], strides: [3, 3], pad: 'valid' },
  { x: [2, 6, 5, 2], size: [3, 3], strides: [2, 2], pad: 0, rounding: 'ceil' },
]

const say = ({ x, size, strides, pad, rounding }: Pooling): string =>
  `[${x}] by [${size}], strides ${strides}, ${pad}${rounding ? ', ceil' : ''}`

const pool = (kind: 'max' | 'avg', { size, strides, pad, rounding }: Pooling, x: Tensor): Tensor =>
  (kind === 'max' ? tf.maxPool : tf.avgPool)(x as Tensor4D, size, strides, pad, rounding)

const ofPools = poolings.flatMap((p): Case[] => [
  ...(['max', 'avg'] as const).map((kind) =>
    at(
      kind === 'max' ? 'MaxPool' : 'AvgPool',
      say(p),
      (r) => ({ x: r.floats(p.x) }),
      ({ x }) => pool(kind, p, x!),
    ),
  ),
  ...(['max', 'avg'] as const).map((kind) =>
    at(
      kind === 'max' ? 'MaxPoolGrad' : 'AvgPoolGrad',
      say(p),
      (r) => ({ x: r.floats(p.x) }),
      ({ x }) => tf.grad((z) => pool(kind, p, z).square().sum())(x!),
    ),
  ),
  // Small whole numbers: many windows have several maxima, of which the first counts.
  at(
    'MaxPoolGrad',
    `${say(p)}, ties`,
    (r) => ({ x: r.integers(p.x, 2), w: r.floats(p.x) }),
    ({ x, w }) => {
      const [y, high] = [tf.cast(x!, 'float32'), tf.cast(x!, 'float32').add(1)]
      return tf.grad((z) =>
        pool('max', p, z)
          .mul(pool('max', p, high.mul(w!)))
          .sum(),
      )(y)
    },
  ),
])

const sizes: readonly (readonly [readonly [number, number, number, number], [number, number]])[] = [
  [
    [2, 3, 4, 2],
    [6, 8],
  ],
  [
    [1, 5, 4, 3],
    [3, 7],
  ],
  [
    [1, 4, 4, 1],
    [1, 2],
  ],
]
const modes: readonly (readonly [boolean, boolean])[] = [
  [false, false],
  [true, false],
  [false, true],
]

const ofResizes = sizes.flatMap(([s, to]) =>
  modes.flatMap(([corners, half]): Case[] => {
    const name = `[${s}] to [${to}]${corners ? ', corners' : ''}${half ? ', half pixels' : ''}`
    const inputs = (r: Parameters<Case['build']>[0]) => ({ x: r.floats(s) })
    const bilinear = (x: Tensor): Tensor => tf.image.resizeBilinear(x as Tensor4D, to, corners, half)
    const nearest = (x: Tensor): Tensor => tf.image.resizeNearestNeighbor(x as Tensor4D, to, corners, half)
    return [
      at('ResizeBilinear', name, inputs, ({ x }) => bilinear(x!)),
      at('ResizeBilinear', `${name}, gradient`, inputs, ({ x }) => tf.grad((z) => bilinear(z).square().sum())(x!)),
      at('ResizeNearestNeighbor', name, inputs, ({ x }) => nearest(x!)),
      at('ResizeNearestNeighbor', `${name}, gradient`, inputs, ({ x }) => tf.grad((z) => nearest(z).square().sum())(x!)),
    ]
  }),
)

const einsum = (equation: string, ...shapes: readonly (readonly number[])[]): Case =>
  at(
    'Einsum',
    equation,
    (r) => Object.fromEntries(shapes.map((s, i) => [`t${i}`, r.floats(s)])),
    (t) => tf.einsum(equation, ...shapes.map((_, i) => t[`t${i}`]!)),
  )

/** Pooling, resizing, and sums of products by name. */
export const images: readonly Case[] = [
  ...ofPools,
  ...ofResizes,
  einsum('ij,jk->ik', [2, 3], [3, 4]),
  einsum('bij,bkj->bik', [2, 3, 4], [2, 2, 4]),
  einsum('ij,j->i', [3, 4], [4]),
  einsum('ij->ji', [3, 4]),
  einsum('ij->', [3, 4]),
  einsum('i,j->ij', [1], [4]),
]
