import { sizeOf } from '../../engine/graph.js'
import type { ElementType } from '../model.js'
import type { Call, Row, Rows } from './row.js'

/** The type both operands of a comparison are read in. */
const common = (c: Call): ElementType => {
  const [a, b] = [c.typeOf(0), c.typeOf(1)]
  if (a === c.float || b === c.float) return c.float
  return a === 'bool' && b === 'bool' ? 'bool' : 'int32'
}

const numeric = (type: ElementType): ElementType => (type === 'bool' ? 'int32' : type)

/** A row this short is broadcast slowly, being started anew for each; repeated to a few hundred numbers it is not. */
const narrow = 64
const wide = 512
const manyNumbers = 2 ** 16

/** How often operand `i`, a short row [c] added to many, is to be repeated; 1 where it is none. */
function repeats(c: Call, i: 0 | 1): number {
  const [row, out] = [c.of(i).shape, c.out.shape]
  const n = out.at(-1) ?? 1
  const [total, full] = [sizeOf(out), sizeOf(c.of(1 - i).shape)]
  if (n < 2 || n > narrow || row.at(-1) !== n || sizeOf(row) !== n || full !== total || total < manyNumbers) return 1
  let times = 1
  while (2 * times * n <= wide && (total / n) % (2 * times) === 0) times *= 2
  return times
}

/** An operation on float operands, one of which may be a short row. */
function broadcast(c: Call, op: string): string {
  const [first, second] = [repeats(c, 0), repeats(c, 1)]
  const times = Math.max(first, second)
  if (times === 1) return c.emit(op, [c.x[0]!, c.x[1]!])
  const n = c.out.shape.at(-1)! * times
  const operands = c.x.map((x, i) =>
    (i === 0 ? first : second) > 1
      ? c.emit('Tile', [c.reshape(x, [n / times]), c.ints([times])])
      : c.reshape(x, [sizeOf(c.out.shape) / n, n]),
  )
  return c.reshape(c.emit(op, operands), c.out.shape)
}

/** Arithmetic; bool counts as 0 and 1. */
const arithmetic =
  (op: string): Row =>
  (c) => {
    const type = numeric(c.outType)
    if (type === c.float && c.typeOf(0) === type && c.typeOf(1) === type) return broadcast(c, op)
    return c.cast(c.emit(op, [c.as(0, type), c.as(1, type)]), type, c.outType)
  }

const comparison =
  (op: string): Row =>
  (c) => {
    const type = op === 'Equal' ? common(c) : numeric(common(c))
    return c.emit(op, [c.as(0, type), c.as(1, type)])
  }

const logical =
  (op: string): Row =>
  (c) =>
    c.emit(op, [c.as(0, 'bool'), c.as(1, 'bool')])

/** Float division that comes back to the type of the result; integers by zero give 0, as storing ∞ or NaN does in tfjs. */
const through = (c: Call, divide: (a: string, b: string) => string): string => {
  const wide = c.outType === 'int32' ? 'float64' : c.float
  const quotient = divide(c.as(0, wide), c.as(1, wide))
  if (c.outType !== 'int32') return quotient
  const type = numeric(common(c))
  const zero = c.emit('Equal', [c.as(1, type), c.scalar(0, type === 'int32' ? 'int32' : c.float)])
  return c.emit('Where', [zero, c.scalar(0, 'int32'), c.cast(quotient, wide, 'int32')])
}

const realDiv: Row = (c) => through(c, (a, b) => c.emit('Div', [a, b]))
const floorDiv: Row = (c) => through(c, (a, b) => c.emit('Floor', [c.emit('Div', [a, b])]))

/** Sign of the divisor, as in Python: operands of one sign have their plain remainder, others (rem + b) rem b. */
const mod: Row = (c) => {
  const type = numeric(c.outType)
  if (type === 'int32') {
    return through(c, (a, b) => c.emit('Sub', [a, c.emit('Mul', [b, c.emit('Floor', [c.emit('Div', [a, b])])])]))
  }
  const [a, b, zero] = [c.as(0, type), c.as(1, type), c.scalar(0)]
  const rest = c.emit('Mod', [a, b], { fmod: 1 })
  const [negativeA, negativeB] = [c.emit('Less', [a, zero]), c.emit('Less', [b, zero])]
  const wrapped = c.emit('Mod', [c.emit('Add', [rest, b]), b], { fmod: 1 })
  return c.emit('Where', [c.emit('Equal', [negativeA, negativeB]), rest, wrapped])
}

/** Of int32 0 to a negative power is ∞, which tfjs stores as 0. */
const pow: Row = (c) => {
  const plain = arithmetic('Pow')(c) as string
  if (c.outType !== 'int32') return plain
  const [x, y, zero] = [c.as(0, 'int32'), c.as(1, 'int32'), c.scalar(0, 'int32')]
  return c.emit('Where', [c.emit('And', [c.emit('Equal', [x, zero]), c.emit('Less', [y, zero])]), zero, plain])
}

const squaredDifference: Row = (c) => {
  const type = numeric(c.outType)
  const d = c.emit('Sub', [c.as(0, type), c.as(1, type)])
  return c.cast(c.emit('Mul', [d, d]), type, c.outType)
}

/** Condition, then and else of one shape; a vector condition chooses rows. */
const select: Row = (c) => {
  const type = c.outType
  const rank = c.out.shape.length
  const condition = c.as(0, 'bool')
  const rows = c.of(0).shape.length === 1 && rank > 1
  const chosen = rows ? c.reshape(condition, [c.of(0).shape[0]!, ...Array<number>(rank - 1).fill(1)]) : condition
  const wide = type === 'bool' ? 'int32' : type
  return c.cast(c.emit('Where', [chosen, c.as(1, wide), c.as(2, wide)]), wide, type)
}

const addN: Row = (c) => {
  const type = numeric(c.outType)
  const sum = c.x.map((_, i) => c.as(i, type)).reduce((a, b) => c.emit('Add', [a, b]))
  return c.cast(sum, type, c.outType)
}

export const binary: Rows = {
  Add: arithmetic('Add'),
  AddN: addN,
  Sub: arithmetic('Sub'),
  Multiply: arithmetic('Mul'),
  RealDiv: realDiv,
  FloorDiv: floorDiv,
  Mod: mod,
  Pow: pow,
  Maximum: arithmetic('Max'),
  Minimum: arithmetic('Min'),
  SquaredDifference: squaredDifference,
  Equal: comparison('Equal'),
  NotEqual: (c) => c.emit('Not', [comparison('Equal')(c) as string]),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  BitwiseAnd: (c) => c.emit('BitwiseAnd', [c.as(0, 'int32'), c.as(1, 'int32')]),
  LogicalAnd: logical('And'),
  LogicalOr: logical('Or'),
  LogicalXor: logical('Xor'),
  Select: select,
}
