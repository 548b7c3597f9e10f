import type { Ref, Slot } from '../graph.js'
import { sizeOf, slotOf } from '../graph.js'
import type { GraphNode } from '../node.js'
import { same } from '../signatures/row.js'
import { sameData } from '../values.js'

/** What a node becomes: another result, or the same node with other fields; nothing where it stays. */
type Rewrite = Ref | GraphNode | undefined
type Rule = (node: GraphNode, x: Ref) => Rewrite

/** `x` may stand for the node's result: leaving the node out must not leave out a rounding to float32. */
const stands = (node: GraphNode, x: Ref): boolean =>
  slotOf(x).dtype !== 'float32' || x.node.precision === node.precision || x.node.precision === 'float32'

const alias = (node: GraphNode, x: Ref): Rewrite => (stands(node, x) ? x : undefined)

/** Whether a result is the number `n` everywhere. */
function isAll(ref: Ref, n: number): boolean {
  if (ref.node.op === 'Fill') return Object.is(ref.node.attrs.value, n)
  const data = ref.node.value?.data
  return data !== undefined && data.length > 0 && Object.is(data[0], n) && sameData(data)
}

const reshape = (node: GraphNode, x: Ref, shape: readonly number[]): GraphNode =>
  node.with({ op: 'Reshape', inputs: [x], attrs: { shape: [...shape] }, outputs: [{ ...node.outputs[0]!, shape }] })

/** A node that does nothing but reorder sizes of one is a reshape. */
const keepsOrder = (perm: readonly number[], shape: readonly number[]): boolean => {
  const moved = perm.filter((i) => shape[i] !== 1)
  return moved.every((i, j) => j === 0 || i > moved[j - 1]!)
}

const rules: Readonly<Record<string, Rule>> = {
  Identity: alias,
  Cast: (node, x) => (slotOf(x).dtype === node.outputs[0]!.dtype ? alias(node, x) : undefined),
  Reshape: (node, x) => {
    const { shape } = node.outputs[0]!
    if (same(slotOf(x).shape, shape)) return alias(node, x)
    if (!stands(node, x)) return undefined
    if (x.node.op === 'Reshape') return reshape(node, x.node.inputs[0]!, shape)
    if (x.node.op === 'Fill') return (x.node as GraphNode).with({ attrs: { ...x.node.attrs, shape }, outputs: node.outputs })
    if (x.node.op === 'Constant') return (x.node as GraphNode).with({ value: { ...x.node.value!, shape }, outputs: node.outputs })
    return undefined
  },
  Transpose: (node, x) => {
    const perm = node.attrs.perm as number[]
    if (perm.every((p, i) => p === i)) return alias(node, x)
    if (keepsOrder(perm, slotOf(x).shape)) return reshape(node, x, node.outputs[0]!.shape)
    if (x.node.op !== 'Transpose' || !stands(node, x)) return undefined
    const inner = x.node.attrs.perm as number[]
    return node.with({ inputs: x.node.inputs, attrs: { perm: perm.map((p) => inner[p]!) } })
  },
  Tile: (node, x) => ((node.attrs.reps as number[]).every((n) => n === 1) ? alias(node, x) : undefined),
  Slice: (node, x) => (same(slotOf(x).shape, node.outputs[0]!.shape) ? alias(node, x) : undefined),
  PadV2: (node, x) => (same(slotOf(x).shape, node.outputs[0]!.shape) ? alias(node, x) : undefined),
  Concat: (node, x) => (node.inputs.length === 1 ? alias(node, x) : undefined),
  // 1·x is x for every x, NaN and −0 included; so is x − 0. x + 0 is not: −0 + 0 is 0.
  Multiply: (node, x) => unit(node, x, node.inputs[1]!, 1) ?? unit(node, node.inputs[1]!, x, 1),
  RealDiv: (node, x) => unit(node, x, node.inputs[1]!, 1),
  Sub: (node, x) => unit(node, x, node.inputs[1]!, 0),
}

const unit = (node: GraphNode, x: Ref, neutral: Ref, n: number): Rewrite =>
  isAll(neutral, n) && same(slotOf(x).shape, node.outputs[0]!.shape) ? alias(node, x) : undefined

const fills: Readonly<Record<string, number>> = { ZerosLike: 0, OnesLike: 1 }

const fill = (node: GraphNode, { shape, dtype }: Slot, value: number): GraphNode =>
  node.with({ op: 'Fill', inputs: [], attrs: { shape, value, dtype } })

/**
 * One step of simplification: no-ops become what they are given, reshapes and transposes in a row become one, and
 * `ZerosLike` depends on nothing. Returns the node where no rule applies.
 */
export function simplify(node: GraphNode, supports: (op: string) => boolean): Ref | GraphNode {
  const value = fills[node.op]
  if (value !== undefined && supports('Fill')) return fill(node, node.outputs[0]!, value)
  const rule = rules[node.op]
  if (!rule || !node.inputs[0] || sizeOf(node.outputs[0]!.shape) === 0) return node
  return rule(node, node.inputs[0]) ?? node
}
