import type { Tensors, Value, Values } from 'ockham'
import { tf, type Tensor } from './tensor.js'

/** Deterministic host draws for the cases; enough for shapes of this size. */
export interface Random {
  /** Uniform on [low, high), float32 [shape]. */
  floats(shape: readonly number[], low?: number, high?: number): Value
  /** Uniform on {0, …, below − 1}, int32 [shape]. */
  integers(shape: readonly number[], below: number): Value
  /** Fair coins, bool [shape]. */
  bools(shape: readonly number[]): Value
}

/** One use of a kernel, to be run by an executor and by tfjs' cpu backend; both should agree. */
export interface Case {
  /** Kernel that the case is about; every row of the table has at least one case. */
  readonly kernel: string
  readonly name: string
  build(random: Random): { readonly inputs: Values; readonly fn: (t: Tensors) => Tensor }
}

/** A generator of case inputs (mulberry32). */
export function random(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
  return {
    floats: (shape, low = -2, high = 2) => ({
      shape,
      dtype: 'float32',
      data: Float32Array.from({ length: size(shape) }, () => low + (high - low) * next()),
    }),
    integers: (shape, below) => ({
      shape,
      dtype: 'int32',
      data: Int32Array.from({ length: size(shape) }, () => Math.floor(next() * below)),
    }),
    bools: (shape) => ({ shape, dtype: 'bool', data: Uint8Array.from({ length: size(shape) }, () => (next() < 0.5 ? 1 : 0)) }),
  }
}

type Fn = (t: Tensors) => Tensor
const at = (kernel: string, name: string, inputs: (r: Random) => Values, fn: Fn): Case => ({
  kernel,
  name,
  build: (r) => ({ inputs: inputs(r), fn }),
})

/** Shapes of one operand: a scalar, a row, sizes of one, rank four. */
const shapes: readonly (readonly number[])[] = [[], [5], [1, 1], [3, 4], [2, 1, 3, 2]]
/** Pairs that broadcast. */
const pairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [3, 4],
    [3, 4],
  ],
  [[3, 4], [4]],
  [
    [3, 1],
    [1, 4],
  ],
  [[], [2, 3]],
  [[2, 3], []],
  [
    [1, 3],
    [2, 3],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[1], [1]],
]
const say = (...s: readonly (readonly number[])[]): string => s.map((x) => `[${x}]`).join(' ')

const unary = (kernel: string, fn: (x: Tensor) => Tensor, low = -2, high = 2, some = shapes): Case[] =>
  some.map((s) =>
    at(
      kernel,
      say(s),
      (r) => ({ x: r.floats(s, low, high) }),
      ({ x }) => fn(x!),
    ),
  )

const binary = (kernel: string, fn: (a: Tensor, b: Tensor) => Tensor, low = -2, high = 2): Case[] =>
  pairs.map(([a, b]) =>
    at(
      kernel,
      say(a, b),
      (r) => ({ a: r.floats(a, low, high), b: r.floats(b, low, high) }),
      ({ a, b }) => fn(a!, b!),
    ),
  )

const integer = (kernel: string, fn: (a: Tensor, b: Tensor) => Tensor): Case[] =>
  pairs.slice(0, 4).map(([a, b]) =>
    at(
      kernel,
      `int32 ${say(a, b)}`,
      (r) => ({ a: r.integers(a, 4), b: r.integers(b, 4) }),
      ({ a, b }) => fn(a!, b!),
    ),
  )

const logical = (kernel: string, fn: (a: Tensor, b: Tensor) => Tensor): Case[] =>
  pairs.map(([a, b]) =>
    at(
      kernel,
      say(a, b),
      (r) => ({ a: r.bools(a), b: r.bools(b) }),
      ({ a, b }) => fn(a!, b!),
    ),
  )

const axes: readonly (readonly [readonly number[], number | number[] | undefined, boolean])[] = [
  [[3, 4], undefined, false],
  [[3, 4], 0, false],
  [[3, 4], -1, true],
  [[2, 3, 4], [0, 2], false],
  [[2, 3, 4], [1], true],
  [[1, 4], 0, false],
  [[5], 0, false],
  [[], undefined, false],
]
const reduction = (
  kernel: string,
  fn: (x: Tensor, axis: number | number[] | undefined, keep: boolean) => Tensor,
  dtype: 'floats' | 'integers' | 'bools' = 'floats',
): Case[] =>
  axes.map(([s, axis, keep]) =>
    at(
      kernel,
      `${dtype} ${say(s)} axis ${axis} ${keep ? 'kept' : ''}`,
      (r) => ({ x: dtype === 'floats' ? r.floats(s) : dtype === 'integers' ? r.integers(s, 5) : r.bools(s) }),
      ({ x }) => fn(x!, axis, keep),
    ),
  )

const elementwise: readonly Case[] = [
  ...unary('Abs', tf.abs),
  ...unary('Acos', tf.acos, -0.9, 0.9),
  ...unary('Acosh', tf.acosh, 1.1, 4),
  ...unary('Asin', tf.asin, -0.9, 0.9),
  ...unary('Asinh', tf.asinh),
  ...unary('Atan', tf.atan),
  ...unary('Atanh', tf.atanh, -0.9, 0.9),
  ...unary('Ceil', tf.ceil),
  ...unary('Cos', tf.cos),
  ...unary('Cosh', tf.cosh),
  ...unary('Elu', tf.elu),
  ...unary('Erf', tf.erf),
  ...unary('Exp', tf.exp),
  ...unary('Expm1', tf.expm1),
  ...unary('Floor', tf.floor),
  ...unary('IsFinite', (x) => tf.isFinite(x.div(tf.step(x)))),
  ...unary('IsInf', (x) => tf.isInf(x.div(tf.step(x)))),
  ...unary('IsNan', (x) => tf.isNaN(tf.sqrt(x))),
  ...unary('LeakyRelu', (x) => tf.leakyRelu(x, 0.3)),
  ...unary('Log', tf.log, 0.1, 4),
  ...unary('Log1p', tf.log1p, -0.5, 4),
  ...unary('Neg', tf.neg),
  ...unary('Reciprocal', tf.reciprocal, 0.2, 3),
  ...unary('Relu', tf.relu),
  ...unary('Relu6', (x) => tf.relu6(x.mul(5))),
  ...unary('Round', tf.round),
  ...unary('Rsqrt', tf.rsqrt, 0.1, 4),
  ...unary('Selu', tf.selu),
  ...unary('Sigmoid', tf.sigmoid, -6, 6),
  ...unary('Sign', tf.sign),
  ...unary('Sin', tf.sin),
  ...unary('Sinh', tf.sinh),
  ...unary('Softplus', tf.softplus, -20, 20),
  ...unary('Sqrt', tf.sqrt, 0, 4),
  ...unary('Square', tf.square),
  ...unary('Step', (x) => tf.step(x)),
  ...unary('Step', (x) => tf.step(x, 0.25)),
  ...unary('Tan', tf.tan, -1, 1),
  ...unary('Tanh', tf.tanh, -3, 3),
  ...unary('ClipByValue', (x) => tf.clipByValue(x, -0.5, 1)),
  ...unary('ZerosLike', (x) => tf.zerosLike(x)),
  ...unary('OnesLike', (x) => tf.onesLike(x)),
  ...unary('Identity', (x) => x.clone().add(1)),
  at(
    'LogicalNot',
    '[3, 4]',
    (r) => ({ x: r.bools([3, 4]) }),
    ({ x }) => tf.logicalNot(x!),
  ),
  at(
    'Abs',
    'int32',
    (r) => ({ x: r.integers([3, 4], 5) }),
    ({ x }) => tf.abs(x!.sub(tf.scalar(2, 'int32'))),
  ),
  at(
    'Neg',
    'int32',
    (r) => ({ x: r.integers([3, 4], 5) }),
    ({ x }) => tf.neg(x!),
  ),
  at(
    'Square',
    'int32',
    (r) => ({ x: r.integers([3], 5) }),
    ({ x }) => tf.square(x!),
  ),
  ...binary('Add', tf.add),
  ...binary('Sub', tf.sub),
  ...binary('Multiply', tf.mul),
  ...binary('RealDiv', tf.div, 0.2, 3),
  ...binary('FloorDiv', (a, b) => tf.floorDiv(a, b), 0.3, 5),
  ...binary('Maximum', tf.maximum),
  ...binary('Minimum', tf.minimum),
  ...binary('Mod', (a, b) => tf.mod(a.sub(2), b), 0.3, 5),
  ...binary('Pow', tf.pow, 0.2, 2.5),
  ...binary('SquaredDifference', tf.squaredDifference),
  ...binary('Atan2', tf.atan2),
  ...binary('Equal', (a, b) => tf.equal(tf.round(a), tf.round(b))),
  ...binary('NotEqual', (a, b) => tf.notEqual(tf.round(a), tf.round(b))),
  ...binary('Greater', tf.greater),
  ...binary('GreaterEqual', (a, b) => tf.greaterEqual(tf.round(a), tf.round(b))),
  ...binary('Less', tf.less),
  ...binary('LessEqual', (a, b) => tf.lessEqual(tf.round(a), tf.round(b))),
  ...binary('Prelu', (x, alpha) => tf.prelu(x, tf.broadcastTo(alpha, tf.broadcast_util.assertAndGetBroadcastShape(x.shape, alpha.shape)))),
  ...integer('Add', tf.add),
  ...integer('Sub', tf.sub),
  ...integer('Multiply', tf.mul),
  ...integer('Maximum', tf.maximum),
  ...integer('Minimum', tf.minimum),
  ...integer('FloorDiv', (a, b) => tf.floorDiv(a, b.add(tf.scalar(1, 'int32')))),
  ...integer('Mod', (a, b) => tf.mod(a, b.add(tf.scalar(1, 'int32')))),
  ...integer('Equal', tf.equal),
  ...integer('NotEqual', tf.notEqual),
  ...integer('Less', tf.less),
  ...integer('LessEqual', tf.lessEqual),
  ...integer('Greater', tf.greater),
  ...integer('GreaterEqual', tf.greaterEqual),
  ...logical('LogicalAnd', tf.logicalAnd),
  ...logical('LogicalOr', tf.logicalOr),
  ...logical('LogicalXor', tf.logicalXor),
  at(
    'AddN',
    'three',
    (r) => ({ a: r.floats([2, 3]), b: r.floats([2, 3]), c: r.floats([2, 3]) }),
    ({ a, b, c }) => tf.addN([a!, b!, c!]),
  ),
  ...(['float32', 'int32', 'bool'] as const).flatMap((to) => [
    at(
      'Cast',
      `float32 to ${to}`,
      (r) => ({ x: r.floats([3, 4]) }),
      ({ x }) => tf.cast(x!, to),
    ),
    at(
      'Cast',
      `int32 to ${to}`,
      (r) => ({ x: r.integers([3, 4], 3) }),
      ({ x }) => tf.cast(x!, to),
    ),
    at(
      'Cast',
      `bool to ${to}`,
      (r) => ({ x: r.bools([3, 4]) }),
      ({ x }) => tf.cast(x!, to),
    ),
  ]),
  ...[[], [3], [3, 4], [2, 1, 4]].map((s) =>
    at(
      'Select',
      say(s),
      (r) => ({ c: r.bools(s), t: r.floats(s), e: r.floats(s) }),
      ({ c, t, e }) => tf.where(c!, t!, e!),
    ),
  ),
  at(
    'Select',
    'broadcast',
    (r) => ({ c: r.bools([3, 1]), t: r.floats([3, 4]), e: r.floats([]) }),
    ({ c, t, e }) => tf.where(c!, t!, e!),
  ),
  at(
    'Select',
    'int32',
    (r) => ({ c: r.bools([3]), t: r.integers([3], 9), e: r.integers([3], 9) }),
    ({ c, t, e }) => tf.where(c!, t!, e!),
  ),
]

const reductions: readonly Case[] = [
  ...reduction('Sum', (x, axis, keep) => tf.sum(x, axis, keep)),
  ...reduction('Sum', (x, axis, keep) => tf.sum(x, axis, keep), 'integers'),
  ...reduction('Sum', (x, axis, keep) => tf.sum(x, axis, keep), 'bools'),
  ...reduction('Mean', (x, axis, keep) => tf.mean(x, axis, keep)),
  ...reduction('Max', (x, axis, keep) => tf.max(x, axis, keep)),
  ...reduction('Max', (x, axis, keep) => tf.max(x, axis, keep), 'integers'),
  ...reduction('Min', (x, axis, keep) => tf.min(x, axis, keep)),
  ...reduction('Prod', (x, axis, keep) => tf.prod(x, axis, keep)),
  ...reduction('All', (x, axis, keep) => tf.all(x, axis, keep), 'bools'),
  ...reduction('Any', (x, axis, keep) => tf.any(x, axis, keep), 'bools'),
  ...[0, 1, -1].flatMap((axis) => [
    at(
      'ArgMax',
      `axis ${axis}`,
      (r) => ({ x: r.floats([3, 5]) }),
      ({ x }) => tf.argMax(x!, axis),
    ),
    at(
      'ArgMin',
      `axis ${axis}`,
      (r) => ({ x: r.floats([3, 5]) }),
      ({ x }) => tf.argMin(x!, axis),
    ),
  ]),
  ...[
    [0, false, false],
    [1, true, false],
    [-1, false, true],
    [1, true, true],
  ].map(([axis, exclusive, reverse]) =>
    at(
      'Cumsum',
      `axis ${axis} ${exclusive} ${reverse}`,
      (r) => ({ x: r.floats([2, 3, 4]) }),
      ({ x }) => tf.cumsum(x!, axis as number, exclusive as boolean, reverse as boolean),
    ),
  ),
  at(
    'Cumsum',
    '[5]',
    (r) => ({ x: r.floats([5]) }),
    ({ x }) => tf.cumsum(x!),
  ),
  ...[[4], [2, 3], [2, 1, 5]].flatMap((s) => [
    at(
      'Softmax',
      say(s),
      (r) => ({ x: r.floats(s, -30, 30) }),
      ({ x }) => tf.softmax(x!),
    ),
    at(
      'LogSoftmax',
      say(s),
      (r) => ({ x: r.floats(s, -30, 30) }),
      ({ x }) => tf.logSoftmax(x!),
    ),
  ]),
]

const moves: readonly Case[] = [
  at(
    'Reshape',
    '[3, 4] to [2, -1]',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.reshape(x!, [2, -1]).mul(2),
  ),
  at(
    'Reshape',
    'flatten',
    (r) => ({ x: r.integers([3, 4], 9) }),
    ({ x }) => tf.reshape(x!, [12]),
  ),
  at(
    'ExpandDims',
    '[3] to [3, 1]',
    (r) => ({ x: r.floats([3]) }),
    ({ x }) => tf.expandDims(x!, -1).add(1),
  ),
  at(
    'Transpose',
    '[3, 4]',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.transpose(x!),
  ),
  at(
    'Transpose',
    '[2, 3, 4] by 1 2 0',
    (r) => ({ x: r.floats([2, 3, 4]) }),
    ({ x }) => tf.transpose(x!, [1, 2, 0]),
  ),
  at(
    'Transpose',
    '[2, 1, 3, 4] by 0 2 1 3',
    (r) => ({ x: r.floats([2, 1, 3, 4]) }),
    ({ x }) => tf.transpose(x!, [0, 2, 1, 3]),
  ),
  at(
    'Tile',
    '[3] 2',
    (r) => ({ x: r.floats([3]) }),
    ({ x }) => tf.tile(x!, [2]),
  ),
  at(
    'Tile',
    '[2, 1] 3 4',
    (r) => ({ x: r.floats([2, 1]) }),
    ({ x }) => tf.tile(x!, [3, 4]),
  ),
  at(
    'Tile',
    'broadcastTo',
    (r) => ({ x: r.floats([1, 4]) }),
    ({ x }) => tf.broadcastTo(x!, [2, 3, 4]),
  ),
  at(
    'Slice',
    '[5] 1 3',
    (r) => ({ x: r.floats([5]) }),
    ({ x }) => tf.slice(x!, 1, 3),
  ),
  at(
    'Slice',
    '[3, 4] to the end',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.slice(x!, [1, 2], [-1, 2]),
  ),
  at(
    'Slice',
    '[2, 3, 4] one',
    (r) => ({ x: r.integers([2, 3, 4], 9) }),
    ({ x }) => tf.slice(x!, [1, 0, 2], [1, 3, 1]),
  ),
  at(
    'StridedSlice',
    '[6] every second',
    (r) => ({ x: r.floats([6]) }),
    ({ x }) => tf.stridedSlice(x!, [0], [6], [2]),
  ),
  at(
    'StridedSlice',
    '[4, 5]',
    (r) => ({ x: r.floats([4, 5]) }),
    ({ x }) => tf.stridedSlice(x!, [1, 4], [4, 0], [2, -2]),
  ),
  ...[0, 1, -1].map((axis) => {
    const sizes =
      axis === 0
        ? [
            [2, 3],
            [1, 3],
          ]
        : [
            [2, 3],
            [2, 1],
          ]
    return at(
      'Concat',
      `axis ${axis}`,
      (r) => ({ a: r.floats(sizes[0]!), b: r.floats(sizes[1]!), c: r.floats(sizes[0]!) }),
      ({ a, b, c }) => tf.concat([a!, b!, c!], axis),
    )
  }),
  at(
    'Concat',
    'int32',
    (r) => ({ a: r.integers([2], 9), b: r.integers([3], 9) }),
    ({ a, b }) => tf.concat([a!, b!]),
  ),
  ...[0, 1, 2].map((axis) =>
    at(
      'Pack',
      `axis ${axis}`,
      (r) => ({ a: r.floats([2, 3]), b: r.floats([2, 3]) }),
      ({ a, b }) => tf.stack([a!, b!], axis),
    ),
  ),
  at(
    'Pack',
    'scalars',
    (r) => ({ a: r.floats([]), b: r.floats([]) }),
    ({ a, b }) => tf.stack([a!, b!]),
  ),
  at(
    'Unpack',
    'axis 0',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.unstack(x!, 0)[1]!,
  ),
  at(
    'Unpack',
    'axis 1',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.unstack(x!, 1).reduce((a, b) => a.mul(2).add(b)),
  ),
  at(
    'SplitV',
    'equal',
    (r) => ({ x: r.floats([4, 6]) }),
    ({ x }) => tf.split(x!, 3, 1).reduce((a, b) => a.mul(2).sub(b)),
  ),
  at(
    'SplitV',
    'sizes',
    (r) => ({ x: r.floats([6, 2]) }),
    ({ x }) => tf.split(x!, [1, 2, 3])[2]!,
  ),
  at(
    'PadV2',
    '[3, 4]',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) =>
      tf.pad(x!, [
        [1, 0],
        [2, 3],
      ]),
  ),
  at(
    'PadV2',
    'with a constant',
    (r) => ({ x: r.floats([3]) }),
    ({ x }) => tf.pad(x!, [[1, 2]], 0.5),
  ),
  at(
    'PadV2',
    'int32',
    (r) => ({ x: r.integers([1, 3], 5) }),
    ({ x }) =>
      tf.pad(
        x!,
        [
          [1, 2],
          [0, 0],
        ],
        7,
      ),
  ),
  at(
    'MirrorPad',
    'reflect',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) =>
      tf.mirrorPad(
        x!,
        [
          [1, 2],
          [0, 3],
        ],
        'reflect',
      ),
  ),
  at(
    'MirrorPad',
    'symmetric',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) =>
      tf.mirrorPad(
        x!,
        [
          [1, 2],
          [0, 3],
        ],
        'symmetric',
      ),
  ),
  at(
    'Reverse',
    'axis 1',
    (r) => ({ x: r.floats([3, 4]) }),
    ({ x }) => tf.reverse(x!, 1),
  ),
  at(
    'Reverse',
    'all',
    (r) => ({ x: r.floats([2, 3]) }),
    ({ x }) => tf.reverse(x!),
  ),
]

const lookups: readonly Case[] = [
  at(
    'GatherV2',
    '[5, 3] axis 0',
    (r) => ({ x: r.floats([5, 3]), i: r.integers([4], 5) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherV2',
    '[5, 3] axis 0, indices [2, 2]',
    (r) => ({ x: r.floats([5, 3]), i: r.integers([2, 2], 5) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherV2',
    '[3, 5] axis 1',
    (r) => ({ x: r.floats([3, 5]), i: r.integers([4], 5) }),
    ({ x, i }) => tf.gather(x!, i!, 1),
  ),
  at(
    'GatherV2',
    'scalar index',
    (r) => ({ x: r.floats([3, 5]), i: r.integers([], 3) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherV2',
    'batched',
    (r) => ({ x: r.floats([2, 5, 3]), i: r.integers([2, 4], 5) }),
    ({ x, i }) => tf.gather(x!, i!, 1, 1),
  ),
  at(
    'GatherV2',
    'int32',
    (r) => ({ x: r.integers([5], 9), i: r.integers([3], 5) }),
    ({ x, i }) => tf.gather(x!, i!),
  ),
  at(
    'GatherNd',
    '[3, 4] pairs',
    (r) => ({ x: r.floats([3, 4]), i: r.integers([5, 2], 3) }),
    ({ x, i }) => tf.gatherND(x!, i!),
  ),
  at(
    'GatherNd',
    '[3, 4] rows',
    (r) => ({ x: r.floats([3, 4]), i: r.integers([2, 1], 3) }),
    ({ x, i }) => tf.gatherND(x!, i!),
  ),
  at(
    'ScatterNd',
    'with repeats',
    (r) => ({ i: r.integers([5, 1], 4), u: r.floats([5, 3]) }),
    ({ i, u }) => tf.scatterND(i!, u!, [4, 3]),
  ),
  at(
    'UnsortedSegmentSum',
    '[6, 2]',
    (r) => ({ x: r.floats([6, 2]), s: r.integers([6], 4) }),
    ({ x, s }) => tf.unsortedSegmentSum(x!, s! as tf1, 4),
  ),
  at(
    'UnsortedSegmentSum',
    '[6]',
    (r) => ({ x: r.floats([6]), s: r.integers([6], 4) }),
    ({ x, s }) => tf.unsortedSegmentSum(x!, s! as tf1, 5),
  ),
  at(
    'OneHot',
    '[4]',
    (r) => ({ i: r.integers([4], 6) }),
    ({ i }) => tf.oneHot(i! as tf1, 5),
  ),
  at(
    'OneHot',
    '[2, 3] on and off',
    (r) => ({ i: r.integers([2, 3], 4) }),
    ({ i }) => tf.oneHot(i!, 4, 0.9, 0.1, 'float32'),
  ),
  at(
    'TopK',
    'values',
    (r) => ({ x: r.floats([3, 6]) }),
    ({ x }) => tf.topk(x!, 3).values,
  ),
  at(
    'TopK',
    'indices',
    (r) => ({ x: r.floats([3, 6]) }),
    ({ x }) => tf.topk(x!, 2).indices,
  ),
]
type tf1 = import('./tensor.js').Tensor1D

const products: readonly Case[] = [
  ...[
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ].flatMap(([ta, tb]) => [
    at(
      'BatchMatMul',
      `[3, 4] ${ta} ${tb}`,
      (r) => ({ a: r.floats(ta ? [4, 3] : [3, 4]), b: r.floats(tb ? [5, 4] : [4, 5]) }),
      ({ a, b }) => tf.matMul(a!, b!, ta, tb),
    ),
    at(
      'BatchMatMul',
      `[2, 3, 4] ${ta} ${tb}`,
      (r) => ({ a: r.floats(ta ? [2, 4, 3] : [2, 3, 4]), b: r.floats(tb ? [2, 5, 4] : [2, 4, 5]) }),
      ({ a, b }) => tf.matMul(a!, b!, ta, tb),
    ),
  ]),
  at(
    'BatchMatMul',
    'broadcast batch',
    (r) => ({ a: r.floats([2, 3, 4]), b: r.floats([1, 4, 5]) }),
    ({ a, b }) => tf.matMul(a!, b!),
  ),
  at(
    'BatchMatMul',
    '[2, 3, 1, 4]',
    (r) => ({ a: r.floats([2, 3, 1, 4]), b: r.floats([2, 3, 4, 2]) }),
    ({ a, b }) => tf.matMul(a!, b!),
  ),
  at(
    'BatchMatMul',
    'dot',
    (r) => ({ a: r.floats([4]), b: r.floats([4]) }),
    ({ a, b }) => tf.dot(a!, b!),
  ),
  ...(['linear', 'relu', 'elu', 'sigmoid'] as const).map((activation) =>
    at(
      '_FusedMatMul',
      activation,
      (r) => ({ a: r.floats([3, 4]), b: r.floats([4, 2]), bias: r.floats([2]) }),
      ({ a, b, bias }) => tf.fused.matMul({ a: a! as tf2, b: b! as tf2, bias: bias!, activation }),
    ),
  ),
]
type tf2 = import('./tensor.js').Tensor2D

const gradient = (kernel: string, name: string, f: (x: Tensor) => Tensor, s: readonly number[] = [3, 4], low = -2, high = 2): Case =>
  at(
    kernel,
    `gradient of ${name}`,
    (r) => ({ x: r.floats(s, low, high), w: r.floats(s) }),
    ({ x, w }) =>
      tf
        .grad((z) =>
          f(z)
            .mul(f(z).shape.length ? 1 : w!.mean())
            .sum(),
        )(x!)
        .mul(w!),
  )

const gradients: readonly Case[] = [
  gradient('EluGrad', 'elu', tf.elu),
  gradient('Step', 'relu', tf.relu),
  gradient('Softplus', 'softplus', tf.softplus),
  gradient('Erf', 'gelu', (x) => x.mul(tf.erf(x.div(Math.SQRT2)).add(1)).mul(0.5)),
  gradient('Sum', 'layer norm', (x) => {
    const { mean, variance } = tf.moments(x, -1, true)
    return x.sub(mean).div(variance.add(1e-5).sqrt()).square().mul(x)
  }),
  gradient('LogSoftmax', 'log softmax', (x) => tf.logSoftmax(x).square()),
  gradient('Softmax', 'softmax', (x) => tf.softmax(x).square()),
  gradient('Max', 'max', (x) => tf.max(x, 1)),
  gradient('Prod', 'prod', (x) => tf.prod(x, 1), [3, 4], 0.5, 2),
  gradient('Cumsum', 'cumsum', (x) => tf.cumsum(x, 1).square()),
  gradient('Slice', 'slice and pad', (x) =>
    tf
      .pad(tf.slice(x, [1, 0], [2, 3]), [
        [0, 1],
        [1, 1],
      ])
      .square(),
  ),
  gradient('Tile', 'tile', (x) => tf.tile(x, [2, 3]).square()),
  gradient('GatherV2', 'gather', (x) => tf.gather(x, tf.tensor1d([0, 2, 2], 'int32')).square()),
  gradient('Atan2', 'atan2', (x) => tf.atan2(x, x.add(4))),
  gradient('Pow', 'pow', (x) => tf.pow(x, tf.scalar(2.5)), [3, 4], 0.2, 2),
  gradient('Prelu', 'prelu', (x) => tf.prelu(x, tf.fill([3, 4], 0.2)).square()),
  gradient('LeakyRelu', 'leakyRelu', (x) => tf.leakyRelu(x, 0.2).square()),
  gradient('ClipByValue', 'clip', (x) => tf.clipByValue(x, -1, 1).square()),
  gradient('Select', 'where', (x) => tf.where(x.greater(0), x.square(), x.mul(3))),
]

/** Every case, by groups that follow the table of kernels. */
export const cases: readonly Case[] = [...elementwise, ...reductions, ...moves, ...lookups, ...products, ...gradients]
