import type { Call, Row, Rows } from './row.js'
import { unary } from './unary.js'

/**
 * Functions that ONNX Runtime has in float32 alone. In float64 they are put together from those it has, to a few units
 * in the last place; these rows serve golden values and gradient checks, so they are written for accuracy, not speed.
 */
const single =
  (op: string, double: (c: Call, x: string) => string): Row =>
  (c) =>
    c.float === 'float32' ? c.emit(op, [c.as(0, 'float32')]) : double(c, c.as(0, 'float64'))

const add = (c: Call, a: string, b: string): string => c.emit('Add', [a, b])
const sub = (c: Call, a: string, b: string): string => c.emit('Sub', [a, b])
const mul = (c: Call, a: string, b: string): string => c.emit('Mul', [a, b])
const div = (c: Call, a: string, b: string): string => c.emit('Div', [a, b])
const sqrt = (c: Call, x: string): string => c.emit('Sqrt', [x])
const exp = (c: Call, x: string): string => c.emit('Exp', [x])
const signed = (c: Call, magnitude: string, x: string): string => mul(c, magnitude, c.emit('Sign', [x]))

/** The row of log1p or expm1, for any operand. */
const apply = (c: Call, row: 'Log1p' | 'Expm1', x: string): string => unary[row]!(onFloats(c, x)) as string
const onFloats = (c: Call, x: string): Call => Object.assign(Object.create(c) as Call, { x: [x], as: () => x })

/** Coefficients lowest first. */
const polynomial = (c: Call, coefficients: readonly string[], x: string): string => {
  const [last, ...rest] = [...coefficients].reverse()
  return rest.reduce((sum, k) => add(c, mul(c, sum, x), k), last!)
}

/** Inverted above 1, the angle halved three times, then the Taylor series: |z| ≤ tan π/32, terms to z²³. */
const atan = (c: Call, x: string): string => {
  const [one, size] = [c.scalar(1), c.emit('Abs', [x])]
  const large = c.emit('Greater', [size, one])
  const folded = c.emit('Where', [large, c.emit('Reciprocal', [size]), size])
  const halve = (t: string) => div(c, t, add(c, one, sqrt(c, add(c, one, mul(c, t, t)))))
  const z = halve(halve(halve(folded)))
  const series = Array.from({ length: 12 }, (_, k) => c.scalar((k % 2 === 0 ? 8 : -8) / (2 * k + 1)))
  const angle = mul(c, z, polynomial(c, series, mul(c, z, z)))
  return signed(c, c.emit('Where', [large, sub(c, c.scalar(Math.PI / 2), angle), angle]), x)
}

const asin = (c: Call, x: string): string => {
  const one = c.scalar(1)
  return atan(c, div(c, x, sqrt(c, mul(c, sub(c, one, x), add(c, one, x)))))
}

const sinh = (c: Call, x: string): string => {
  const t = apply(c, 'Expm1', x)
  const near = add(c, t, div(c, t, add(c, t, c.scalar(1))))
  const far = sub(c, exp(c, x), exp(c, c.emit('Neg', [x])))
  return mul(c, c.scalar(0.5), c.emit('Where', [c.emit('Less', [c.emit('Abs', [x]), c.scalar(1)]), near, far]))
}

const asinh = (c: Call, x: string): string => {
  const [one, size] = [c.scalar(1), c.emit('Abs', [x])]
  const square = mul(c, x, x)
  const inner = add(c, size, div(c, square, add(c, one, sqrt(c, add(c, square, one)))))
  return signed(c, apply(c, 'Log1p', inner), x)
}

const atanh = (c: Call, x: string): string => {
  const ratio = div(c, mul(c, c.scalar(2), x), sub(c, c.scalar(1), x))
  return mul(c, c.scalar(0.5), apply(c, 'Log1p', ratio))
}

const erfStep = 1 / 16
const erfLimit = 6
const erfDegree = 11

/** erf by its series of positive terms, exact to rounding: 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!. */
const erfOf = (x: number): number => {
  let [term, sum] = [x, x]
  for (let n = 1; term > sum * 1e-18; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** Taylor coefficients of erf at x: the n-th derivative is a Hermite polynomial times the Gaussian. */
const erfTaylor = (x: number): number[] => {
  const coefficients = [erfOf(x)]
  let [before, hermite, factor] = [0, 1, (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x)]
  for (let n = 1; n <= erfDegree; n++) {
    factor /= n
    coefficients.push(factor * hermite)
    ;[before, hermite] = [hermite, 2 * x * hermite - 2 * (n - 1) * before]
    factor = -factor
  }
  return coefficients
}

/** A Taylor polynomial about the nearest point of a table; 1 to the last bit beyond its end. */
const erf = (c: Call, x: string): string => {
  const size = c.emit('Min', [c.emit('Abs', [x]), c.scalar(erfLimit)])
  const nearest = c.emit('Round', [div(c, size, c.scalar(erfStep))])
  const h = sub(c, size, mul(c, nearest, c.scalar(erfStep)))
  const real = c.emit('Where', [c.emit('IsNaN', [nearest]), c.scalar(0), nearest])
  const index = c.cast(real, 'float64', 'int64')
  const table = Array.from({ length: erfLimit / erfStep + 1 }, (_, i) => erfTaylor(i * erfStep))
  const coefficients = Array.from({ length: erfDegree + 1 }, (_, n) => {
    const column = c.constant(
      'float64',
      table.map((row) => row[n]!),
    )
    return c.emit('Gather', [column, index], { axis: 0 })
  })
  return signed(c, polynomial(c, coefficients, h), x)
}

/** The angle of the point (x, y); along the axes by their signs. */
const atan2: Row = (c) => {
  const [y, x, zero] = [c.as(0, c.float), c.as(1, c.float), c.scalar(0)]
  const slope = div(c, y, x)
  const angle = c.float === 'float32' ? c.emit('Atan', [slope]) : atan(c, slope)
  const turn = c.emit('Where', [c.emit('Less', [y, zero]), c.scalar(-Math.PI), c.scalar(Math.PI)])
  const left = c.emit('Where', [c.emit('Less', [x, zero]), add(c, angle, turn), angle])
  const upright = signed(c, c.scalar(Math.PI / 2), y)
  return c.emit('Where', [c.emit('Equal', [x, zero]), upright, left])
}

export const transcendental: Rows = {
  Erf: single('Erf', erf),
  Tan: single('Tan', (c, x) => div(c, c.emit('Sin', [x]), c.emit('Cos', [x]))),
  Asin: single('Asin', asin),
  Acos: single('Acos', (c, x) => sub(c, c.scalar(Math.PI / 2), asin(c, x))),
  Atan: single('Atan', atan),
  Atan2: atan2,
  Sinh: single('Sinh', sinh),
  Cosh: single('Cosh', (c, x) => mul(c, c.scalar(0.5), add(c, exp(c, x), exp(c, c.emit('Neg', [x]))))),
  Asinh: single('Asinh', asinh),
  Acosh: single('Acosh', (c, x) => c.emit('Log', [add(c, x, sqrt(c, mul(c, sub(c, x, c.scalar(1)), add(c, x, c.scalar(1)))))])),
  Atanh: single('Atanh', atanh),
}
