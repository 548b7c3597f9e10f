import type { Call, Row, Rows } from './row.js'

const plain =
  (op: string): Row =>
  (c) =>
    c.emit(op, [c.as(0, c.outType)])

/** On bool there is no arithmetic in ONNX; tfjs takes it for 0 and 1. */
const number = (c: Call): string => (c.typeOf(0) === 'bool' ? c.as(0, 'int32') : c.x[0]!)

const squared: Row = (c) => {
  const x = number(c)
  return c.emit('Mul', [x, x])
}

/** Kahan's forms, exact to rounding near zero, where the plain ones lose all digits. */
const log1p: Row = (c) => {
  const [x, one] = [c.as(0, c.float), c.scalar(1)]
  const u = c.emit('Add', [one, x])
  const grown = c.emit('Sub', [u, one])
  const ratio = c.emit('Div', [c.emit('Mul', [c.emit('Log', [u]), x]), grown])
  const plainly = c.emit('Or', [c.emit('Equal', [grown, c.scalar(0)]), c.emit('IsInf', [u], { detect_negative: 0 })])
  return c.emit('Where', [plainly, x, ratio])
}

const expm1: Row = (c) => {
  const [x, one] = [c.as(0, c.float), c.scalar(1)]
  const u = c.emit('Exp', [x])
  const difference = c.emit('Sub', [u, one])
  const ratio = c.emit('Div', [c.emit('Mul', [difference, x]), c.emit('Log', [u])])
  const near = c.emit('Where', [c.emit('Equal', [difference, c.scalar(0)]), x, ratio])
  return c.emit('Where', [c.emit('Less', [c.emit('Abs', [x]), c.scalar(0.5)]), near, difference])
}

const integer = (c: Call): boolean => c.typeOf(0) === 'int32' || c.typeOf(0) === 'bool'

/** On integers these change nothing. */
const rounding =
  (op: string): Row =>
  (c) =>
    integer(c) ? c.as(0, c.outType) : c.emit(op, [c.x[0]!])

const sign: Row = (c) => {
  const x = number(c)
  if (integer(c)) return c.cast(c.emit('Sign', [x]), 'int32', c.outType)
  const zero = c.scalar(0)
  const above = c.cast(c.emit('Greater', [x, zero]), 'bool', c.float)
  return c.emit('Sub', [above, c.cast(c.emit('Less', [x, zero]), 'bool', c.float)])
}

const isFinite: Row = (c) => {
  if (integer(c)) return c.fill(1, c.out.shape, 'bool')
  const x = c.x[0]!
  return c.emit('Equal', [c.emit('Sub', [x, x]), c.scalar(0)])
}

const never =
  (op: string): Row =>
  (c) =>
    integer(c) ? c.fill(0, c.out.shape, 'bool') : c.emit(op, [c.x[0]!])

const clip: Row = (c) => {
  const type = c.typeOf(0) === 'int32' ? 'int32' : c.float
  return c.emit('Clip', [c.as(0, type), c.scalar(c.attr<number>('clipValueMin'), type), c.scalar(c.attr<number>('clipValueMax'), type)])
}

export const unary: Rows = {
  Abs: (c) => c.cast(c.emit('Abs', [number(c)]), integer(c) ? 'int32' : c.float, c.outType),
  Neg: (c) => c.cast(c.emit('Neg', [number(c)]), integer(c) ? 'int32' : c.float, c.outType),
  Sign: sign,
  Square: (c) => c.cast(squared(c) as string, integer(c) ? 'int32' : c.float, c.outType),
  Exp: plain('Exp'),
  Expm1: expm1,
  Log: plain('Log'),
  Log1p: log1p,
  Sqrt: plain('Sqrt'),
  Rsqrt: (c) => c.emit('Reciprocal', [c.emit('Sqrt', [c.as(0, c.float)])]),
  Reciprocal: plain('Reciprocal'),
  Floor: rounding('Floor'),
  Ceil: rounding('Ceil'),
  Round: rounding('Round'),
  Sin: plain('Sin'),
  Cos: plain('Cos'),
  IsNan: never('IsNaN'),
  IsInf: never('IsInf'),
  IsFinite: isFinite,
  LogicalNot: (c) => c.emit('Not', [c.as(0, 'bool')]),
  ClipByValue: clip,
  Identity: (c) => c.x[0]!,
  Cast: (c) => c.as(0, c.outType),
}
