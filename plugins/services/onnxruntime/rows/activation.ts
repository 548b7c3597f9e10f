import type { Row, Rows } from './row.js'

const relu: Row = (c) => (c.typeOf(0) === 'bool' ? c.as(0, c.outType) : c.emit('Relu', [c.as(0, c.outType)]))

const relu6: Row = (c) => {
  const type = c.outType === 'int32' ? 'int32' : c.float
  return c.emit('Clip', [c.as(0, type), c.scalar(0, type), c.scalar(6, type)])
}

/** 1 above zero, `alpha` below and at zero; NaN stays NaN. */
const step: Row = (c) => {
  const x = c.as(0, c.float)
  const alpha = c.attr<number | undefined>('alpha') ?? 0
  const above = c.emit('Greater', [x, c.scalar(0)])
  const chosen = alpha === 0 ? c.cast(above, 'bool', c.float) : c.emit('Where', [above, c.scalar(1), c.scalar(alpha)])
  return c.cast(c.emit('Where', [c.emit('IsNaN', [x]), x, chosen]), c.float, c.outType)
}

const below = (c: Parameters<Row>[0], i: number): string => c.emit('Less', [c.x[i]!, c.scalar(0)])

const prelu: Row = (c) => {
  const [x, alpha] = [c.as(0, c.float), c.as(1, c.float)]
  return c.emit('Where', [c.emit('Less', [x, c.scalar(0)]), c.emit('Mul', [alpha, x]), x])
}

/** An attribute is float32: a slope that it would round stands beside, so that doubles keep their slope. */
const leakyRelu: Row = (c) => {
  const [x, alpha] = [c.as(0, c.float), c.attr<number>('alpha')]
  if (c.float === 'float32' || Math.fround(alpha) === alpha) return c.emit('LeakyRelu', [x], { alpha: { f: alpha } })
  return c.emit('Where', [c.emit('Less', [x, c.scalar(0)]), c.emit('Mul', [c.scalar(alpha), x]), x])
}

const eluGrad: Row = (c) => {
  const [dy, y] = [c.x[0]!, c.x[1]!]
  return c.emit('Where', [below(c, 1), c.emit('Mul', [dy, c.emit('Add', [y, c.scalar(1)])]), dy])
}

/** Klambauer et al. 2017. */
const selu = { alpha: 1.7580993408473768, scale: 1.0507009873554805 }

const floats =
  (op: string, attrs: Record<string, { f: number }> = {}): Row =>
  (c) =>
    c.emit(op, [c.as(0, c.float)], attrs)

export const activation: Rows = {
  // What rewriting makes of a factor times a mask. A cast and a product take half the time of the runtime's `Where`.
  'ort.Masked': (c) => c.emit('Mul', [c.x[1]!, c.cast(c.x[0]!, 'bool', c.float)]),
  'ort.Above': (c) => c.emit('Mul', [c.x[1]!, c.cast(c.emit('Greater', [c.as(0, c.float), c.scalar(0)]), 'bool', c.float)]),
  Relu: relu,
  Relu6: relu6,
  Step: step,
  Prelu: prelu,
  LeakyRelu: leakyRelu,
  Elu: floats('Elu'),
  EluGrad: eluGrad,
  Selu: (c) => {
    const x = c.as(0, c.float)
    const negative = c.emit('Mul', [c.scalar(selu.alpha), c.emit('Sub', [c.emit('Exp', [x]), c.scalar(1)])])
    return c.emit('Where', [below(c, 0), negative, c.emit('Mul', [c.scalar(selu.scale), x])])
  },
  Sigmoid: floats('Sigmoid'),
  Tanh: floats('Tanh'),
  Softplus: floats('Softplus'),
  Softmax: (c) => c.emit('Softmax', [c.as(0, c.float)], { axis: c.attr<number | undefined>('dim') ?? -1 }),
  LogSoftmax: (c) => c.emit('LogSoftmax', [c.as(0, c.float)], { axis: c.attr<number | undefined>('axis') ?? -1 }),
}
