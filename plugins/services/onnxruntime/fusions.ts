import { slotOf } from '../engine/graph.js'
import type { Node, Ref } from '../engine/graph.js'
import { made } from './made.js'
import { alike, bothWays, numberOf, same, shapeOf } from './rules.js'
import type { Rule } from './rules.js'

const is = (a: Ref, b: Ref): boolean => a.node === b.node && a.index === b.index

/** What is divided by, where the reference is a mean over the last axis, kept. */
const meanOf = (ref: Ref): Ref | undefined => {
  const x = ref.node.inputs[0]
  if (ref.node.op !== 'Mean' || !x) return undefined
  const axis = ref.node.attrs['axis'] as number | readonly number[] | null | undefined
  const axes = typeof axis === 'number' ? [axis] : axis
  const rank = shapeOf(x).length
  const last = axes?.length === 1 && (axes[0] === rank - 1 || axes[0] === -1)
  return last && shapeOf(ref).length === rank ? x : undefined
}

const squared = ({ node }: Ref): Ref | undefined => {
  if (node.op === 'Square') return node.inputs[0]
  return node.op === 'Multiply' && is(node.inputs[0]!, node.inputs[1]!) ? node.inputs[0] : undefined
}

/** x and ε, where the reference is 1 / √(mean x² + ε) over the last axis. In float64 the runtime keeps its statistics in float32. */
const inverseRoot = ({ node }: Ref): { readonly x: Ref; readonly epsilon: number } | undefined => {
  const sum = node.op === 'Rsqrt' && node.precision === 'float32' ? node.inputs[0]! : undefined
  if (sum?.node.op !== 'Add') return undefined
  for (const [mean, number] of bothWays(sum.node)) {
    const [of, epsilon] = [meanOf(mean), numberOf(number)]
    const x = of && squared(of)
    if (x && epsilon !== undefined && epsilon > 0) return { x, epsilon }
  }
  return undefined
}

/** x, where the reference is x − mean x over the last axis. */
const uncentred = ({ node }: Ref): Ref | undefined => {
  const [x, mean] = node.inputs
  if (node.op !== 'Sub' || !x || !mean) return undefined
  const of = meanOf(mean)
  return of && is(of, x) ? x : undefined
}

/** 1/√(var + ε) comes with the normalised values, from the same operation. */
const deviation: Rule = ({ node }) => {
  const root = inverseRoot({ node, index: 0 })
  const x = root && uncentred(root.x)
  return x && alike(node, x) ? made(node, { op: 'ort.InverseDeviation', inputs: [x], attrs: { epsilon: root.epsilon } }) : undefined
}

/** (x − mean x) / √(var + ε) in one operation that reads x once. */
const normalise: Rule = ({ node }) => {
  if (node.op !== 'Multiply') return undefined
  for (const [centred, scale] of bothWays(node)) {
    const x = uncentred(centred)
    const from = scale.node
    if (!x || from.op !== 'ort.InverseDeviation' || !is(from.inputs[0]!, x) || !alike(node, x, centred, scale)) continue
    return made(node, { op: 'ort.Normalise', inputs: [x], attrs: from.attrs })
  }
  return undefined
}

/** x / √(mean x² + ε). */
const rootMeanSquare: Rule = ({ node }) => {
  if (node.op !== 'Multiply') return undefined
  for (const [x, scale] of bothWays(node)) {
    const root = inverseRoot(scale)
    if (root && is(root.x, x) && alike(node, x, scale)) {
      return made(node, { op: 'ort.RootMeanSquare', inputs: [x], attrs: { epsilon: root.epsilon } })
    }
  }
  return undefined
}

/** γ x̂ + β as one operation on x: where x̂ is wanted too, it is made twice, which still takes fewer passes. */
const affine: Rule = ({ node, uses }) => {
  if (node.op !== 'Add') return undefined
  for (const [scaled, shift] of bothWays(node)) {
    if (scaled.node.op !== 'Multiply' || uses(scaled) !== 1) continue
    for (const [unit, scale] of bothWays(scaled.node)) {
      const x = unit.node.op === 'ort.Normalise' ? unit.node.inputs[0]! : undefined
      if (!x || ![scale, shift].every((r) => same(shapeOf(r), shapeOf(x).slice(-1)))) continue
      if (!alike(node, x, scaled, unit, scale, shift)) continue
      return made(node, { op: 'ort.LayerNorm', inputs: [x, scale, shift], attrs: unit.node.attrs })
    }
  }
  return undefined
}

const scaleOf = (ref: Ref): { readonly x: Ref; readonly by: number } | undefined => {
  const { op } = ref.node
  if (op !== 'Multiply' && op !== 'RealDiv') return undefined
  for (const [x, number] of op === 'Multiply' ? bothWays(ref.node) : bothWays(ref.node).slice(0, 1)) {
    const by = numberOf(number)
    if (by !== undefined && by !== 0 && same(shapeOf(x), slotOf(ref).shape)) return { x, by: op === 'Multiply' ? by : 1 / by }
  }
  return undefined
}

/** The factor of a product that is scaled once more; none where it would be rounded: an attribute is float32, in float64 programs too. */
const times = (product: Node, by: number): number | undefined => {
  const alpha = ((product.attrs['alpha'] as number | undefined) ?? 1) * by
  return product.precision === 'float32' || Math.fround(alpha) === alpha ? alpha : undefined
}

/** A product scaled afterwards, or one of whose operands is: the product scales. */
const scaledProduct: Rule = ({ node, uses }) => {
  if (node.op === 'BatchMatMul' && node.outputs[0]!.dtype === 'float32') {
    const scaled = node.inputs.map((ref) => (alike(node, ref) ? scaleOf(ref) : undefined))
    const at = scaled.findIndex((s) => s && alike(node, s.x))
    const found = scaled[at]
    const alpha = found && times(node, found.by)
    if (!found || alpha === undefined) return undefined
    return made(node, {
      inputs: node.inputs.map((ref, i) => (i === at ? found.x : ref)),
      attrs: { ...node.attrs, alpha },
    })
  }
  const found = scaleOf({ node, index: 0 })
  if (found?.x.node.op !== 'BatchMatMul' || uses(found.x) !== 1 || !alike(node, found.x)) return undefined
  const { inputs, attrs } = found.x.node
  const alpha = times(found.x.node, found.by)
  return alpha === undefined ? undefined : made(node, { op: 'BatchMatMul', inputs, attrs: { ...attrs, alpha } })
}

/** Patterns of several nodes that the runtime has one operation for. */
export const fusions: readonly Rule[] = [deviation, normalise, rootMeanSquare, affine, scaledProduct]
