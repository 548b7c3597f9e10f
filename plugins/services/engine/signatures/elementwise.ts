import { broadcast, expect, expectSame, Mismatch, one, same, type Row, type Table } from './row.js'
import type { Slot } from '../graph.js'

type Dtype = Slot['dtype']
const table = (names: string, row: Row): Table => Object.fromEntries(names.split(' ').map((name) => [name, row]))

const unary = (dtypes: readonly Dtype[], to?: Dtype): Row => ({
  inputs: ['x'],
  infer: ([x], attrs) => {
    expect(x!, ...dtypes)
    return one(x!.shape, to ?? x!.dtype, attrs ?? {})
  },
})

const binary = (dtypes: readonly Dtype[], to?: Dtype): Row => ({
  inputs: ['a', 'b'],
  infer: ([a, b]) => {
    expectSame([a!, b!])
    expect(a!, ...dtypes)
    return one(broadcast(a!.shape, b!.shape), to ?? a!.dtype)
  },
})

const numbers: readonly Dtype[] = ['float32', 'int32']
const floats: readonly Dtype[] = ['float32']

/** Kernels that work element by element. */
export const elementwise: Table = {
  ...table(
    'Acos Acosh Asin Asinh Atan Atanh Cos Cosh Elu Erf Exp Expm1 LeakyRelu Log Log1p Reciprocal Rsqrt Selu Sigmoid Sin Sinh Softplus Sqrt Tan Tanh',
    unary(floats),
  ),
  ...table('Abs Ceil ClipByValue Floor Neg Relu Relu6 Round Sign Square Step', unary(numbers)),
  ...table('IsFinite IsInf IsNan', unary(floats, 'bool')),
  LogicalNot: unary(['bool']),
  ...table('Identity ZerosLike OnesLike', unary(['float32', 'int32', 'bool'])),
  ...table('Add Sub Multiply Maximum Minimum Mod Pow SquaredDifference', binary(numbers)),
  ...table('RealDiv Atan2', binary(floats)),
  FloorDiv: binary(numbers, 'int32'),
  ...table('Equal NotEqual', binary(['float32', 'int32', 'bool'], 'bool')),
  ...table('Greater GreaterEqual Less LessEqual', binary(numbers, 'bool')),
  ...table('LogicalAnd LogicalOr LogicalXor', binary(['bool'])),
  BitwiseAnd: binary(['int32']),
  EluGrad: { ...binary(floats), inputs: ['dy', 'y'] },
  Prelu: { ...binary(floats), inputs: ['x', 'alpha'] },
  AddN: {
    inputs: 'list',
    infer: (xs) => {
      expectSame(xs)
      expect(xs[0]!, ...numbers)
      if (xs.some((x) => !same(x.shape, xs[0]!.shape))) throw new Mismatch('its inputs differ in shape')
      return one(xs[0]!.shape, xs[0]!.dtype)
    },
  },
  Cast: {
    inputs: ['x'],
    infer: ([x], { dtype }) => {
      const to = dtype as Dtype
      if (!['float32', 'int32', 'bool'].includes(to)) throw new Mismatch(`there is no type '${to}'`)
      return one(x!.shape, to, { dtype })
    },
  },
  Select: {
    inputs: ['condition', 't', 'e'],
    infer: ([condition, t, e]) => {
      expect(condition!, 'bool')
      expectSame([t!, e!])
      if (!same(t!.shape, e!.shape) || !same(condition!.shape, t!.shape))
        throw new Mismatch('the condition and the choices differ in shape')
      return one(t!.shape, t!.dtype)
    },
  },
}
