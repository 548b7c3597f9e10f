import type { Value } from 'ockham'
import { sizeOf, slotOf } from '../engine/graph.js'
import type { Node, Ref } from '../engine/graph.js'
import { made } from './made.js'

/** A node whose operands are rewritten already, how often each value of the graph is read, and numbers for new nodes. */
export interface Site {
  readonly node: Node
  readonly uses: (ref: Ref) => number
  /** Nodes of the graph as it was that read a value, and nothing for an output. */
  readonly readers: (ref: Ref) => readonly (Node | undefined)[]
  readonly fresh: () => number
}

/** What stands in the node's place, or nothing where the rule does not apply. */
export type Rule = (site: Site) => Node | undefined

export const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((d, i) => d === b[i])
export const shapeOf = (ref: Ref): readonly number[] => slotOf(ref).shape
const isFloat = (ref: Ref): boolean => slotOf(ref).dtype === 'float32'
export const alike = (node: Node, ...refs: readonly Ref[]): boolean =>
  refs.every((ref) => ref.node.precision === node.precision && isFloat(ref))
export const self = (node: Node): Ref => ({ node, index: 0 })
export const bothWays = ({ inputs }: Node): readonly (readonly [Ref, Ref])[] => [
  [inputs[0]!, inputs[1]!],
  [inputs[1]!, inputs[0]!],
]

/** Swaps the last two axes and no others. */
const swapsLast = ({ node }: Ref): boolean => {
  if (node.op !== 'Transpose') return false
  const perm = node.attrs['perm'] as readonly number[]
  const n = perm.length
  return n >= 2 && perm.every((p, i) => p === (i < n - 2 ? i : i === n - 2 ? n - 1 : n - 2))
}

/** A transposed matrix is read transposed. */
const transposedOperand: Rule = ({ node }) => {
  if (node.op !== 'BatchMatMul') return undefined
  const swapped = node.inputs.map((ref) => swapsLast(ref) && alike(node, ref))
  if (!swapped.includes(true)) return undefined
  const { transposeA, transposeB } = node.attrs
  const attrs = { ...node.attrs, transposeA: Boolean(transposeA) !== swapped[0], transposeB: Boolean(transposeB) !== swapped[1] }
  return made(node, { attrs, inputs: node.inputs.map((ref, i) => (swapped[i] ? ref.node.inputs[0]! : ref)) })
}

/** A product of matrices that only the addition of a row reads. */
const bias: Rule = ({ node, uses }) => {
  if (node.op !== 'Add') return undefined
  for (const [product, row] of bothWays(node)) {
    const { op, inputs, attrs, outputs } = product.node
    if (op !== 'BatchMatMul' || uses(product) !== 1 || !alike(node, product, row)) continue
    const shape = shapeOf(row)
    const isRow = shape.length === 1 || (shape.length === 2 && shape[0] === 1)
    const matrices = inputs.every((ref) => shapeOf(ref).length === 2)
    if (matrices && isRow && shape.at(-1) === outputs[0]!.shape[1]) return made(node, { op: 'ort.Gemm', inputs: [...inputs, row], attrs })
  }
  return undefined
}

/** Times a mask is a choice between the other factor and zero: one pass where there were three. */
const masked: Rule = ({ node }) => {
  if (node.op !== 'Multiply' || node.outputs[0]!.dtype !== 'float32') return undefined
  for (const [factor, mask] of bothWays(node)) {
    let at = mask
    while (at.node.op === 'Cast') at = at.node.inputs[0]!
    const step = at.node.op === 'Step' && !at.node.attrs['alpha']
    const bool = at !== mask && slotOf(at).dtype === 'bool'
    if (!(step || bool) || !same(shapeOf(factor), node.outputs[0]!.shape)) continue
    return made(node, { op: step ? 'ort.Above' : 'ort.Masked', inputs: [step ? at.node.inputs[0]! : at, factor], attrs: {} })
  }
  return undefined
}

/** A class number becomes its row in the type it is wanted in. */
const oneHot: Rule = ({ node }) => {
  const x = node.inputs[0]!
  if (node.op !== 'Cast' || x.node.op !== 'OneHot' || node.outputs[0]!.dtype === 'bool') return undefined
  return made(node, { op: 'OneHot', inputs: x.node.inputs, attrs: x.node.attrs })
}

const lastAxisOf = (node: Node, x: Ref, name: string): boolean => {
  const axes = node.attrs[name] as readonly number[]
  return axes.length === 1 && axes[0] === shapeOf(x).length - 1 && node.attrs['keepDims'] === true
}

/** x − max x − log Σ exp(x − max x). */
const logSoftmax: Rule = ({ node }) => {
  const [a, log] = [node.inputs[0]!, node.inputs[1]]
  if (node.op !== 'Sub' || a.node.op !== 'Sub' || log?.node.op !== 'Log') return undefined
  const sum = log.node.inputs[0]!
  const exp = sum.node.inputs[0]
  const [x, max] = [a.node.inputs[0]!, a.node.inputs[1]!]
  const whole =
    sum.node.op === 'Sum' &&
    exp?.node.op === 'Exp' &&
    exp.node.inputs[0]!.node === a.node &&
    max.node.op === 'Max' &&
    max.node.inputs[0]!.node === x.node &&
    max.node.inputs[0]!.index === x.index &&
    lastAxisOf(sum.node, a, 'axis') &&
    lastAxisOf(max.node, x, 'reductionIndices') &&
    alike(node, a, log, sum, exp, max, x)
  return whole ? made(node, { op: 'LogSoftmax', inputs: [x], attrs: { axis: shapeOf(x).length - 1 } }) : undefined
}

const broadcasts = new Set(
  'Add Sub Multiply RealDiv Maximum Minimum SquaredDifference Pow Equal NotEqual Greater GreaterEqual Less LessEqual'.split(' '),
)

const broadcast = (a: readonly number[], b: readonly number[]): number[] => {
  const rank = Math.max(a.length, b.length)
  const at = (s: readonly number[], i: number): number => s[i - rank + s.length] ?? 1
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)))
}

/** An operand that is one number, or rows repeated, is broadcast where it is read instead of being written out. */
const spread: Rule = ({ node, fresh }) => {
  if (!broadcasts.has(node.op)) return undefined
  const narrow = (ref: Ref): Ref | undefined => {
    const slot = slotOf(ref)
    if (ref.node.op === 'Fill' && slot.shape.length > 0) {
      return self(made(ref.node, { outputs: [{ ...slot, shape: [] }], attrs: { ...ref.node.attrs, shape: [] } }, fresh()))
    }
    const x = ref.node.op === 'Tile' ? ref.node.inputs[0]! : undefined
    const stretches = x && shapeOf(x).every((d, i) => d === 1 || d === slot.shape[i])
    return stretches && x.node.precision === ref.node.precision ? x : undefined
  }
  for (const [i, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const found = narrow(node.inputs[i]!)
    if (!found || !same(broadcast(shapeOf(found), shapeOf(node.inputs[other]!)), node.outputs[0]!.shape)) continue
    return made(node, { inputs: node.inputs.map((ref, j) => (j === i ? found : ref)) })
  }
  return undefined
}

export const numberOf = ({ node }: Ref): number | undefined => {
  if (node.op === 'Fill') return node.attrs['value'] as number
  return node.op === 'Constant' && node.value!.data.length === 1 ? node.value!.data[0] : undefined
}

/** a · b or a / b for two numbers: a constant where both are known. */
const scalarOf = (like: Node, op: 'Multiply' | 'RealDiv', a: Ref, b: Ref, fresh: () => number): Ref => {
  const [x, y] = [numberOf(a), numberOf(b)]
  const outputs = [{ shape: [], dtype: 'float32' as const }]
  if (x === undefined || y === undefined) return self(made(like, { op, inputs: [a, b], attrs: {}, outputs }, fresh()))
  const data = Float64Array.of(op === 'Multiply' ? x * y : x / y)
  const value: Value = { shape: [], dtype: 'float64', data }
  return self(made(like, { op: 'Constant', inputs: [], attrs: {}, outputs, value }, fresh()))
}

/** A tensor times or over a number: [tensor, number]. */
const scaled = ({ op, inputs }: Node): readonly [Ref, Ref] | undefined => {
  const [a, b] = inputs
  if (op !== 'Multiply' && op !== 'RealDiv') return undefined
  if (shapeOf(b!).length === 0 && sizeOf(shapeOf(a!)) > 1) return [a!, b!]
  return op === 'Multiply' && shapeOf(a!).length === 0 && sizeOf(shapeOf(b!)) > 1 ? [b!, a!] : undefined
}

/** Two numbers in a row scale a tensor at once: one pass where there were two. */
const scales: Rule = ({ node, uses, fresh }) => {
  const outer = scaled(node)
  const inner = outer && scaled(outer[0].node)
  if (!inner || uses(outer[0]) !== 1 || !alike(node, outer[0], outer[1], inner[0], inner[1])) return undefined
  const [first, second] = [outer[0].node.op, node.op]
  if (first === 'RealDiv' && second === 'RealDiv') {
    return made(node, { inputs: [inner[0], scalarOf(node, 'Multiply', inner[1], outer[1], fresh)] })
  }
  const [a, b] = first === 'RealDiv' ? [outer[1], inner[1]] : [inner[1], outer[1]]
  const factor = scalarOf(node, first === second ? 'Multiply' : 'RealDiv', a, b, fresh)
  return made(node, { op: 'Multiply', inputs: [inner[0], factor] })
}

export const rules: readonly Rule[] = [transposedOperand, bias, masked, oneHot, logSoftmax, spread, scales]
