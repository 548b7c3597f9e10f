import { InputError, type Precision } from 'ockham'
import { constrainedMemory } from './limits.js'
import type { Graph, Node, Ref, Slot } from './graph.js'
import { bytesOf } from './values.js'

/** Kernels whose result may take the place of an operand that nothing reads any more. */
const inPlace = new Set(
  `Add AddN Sub Multiply RealDiv Maximum Minimum SquaredDifference Square Sqrt Rsqrt Exp Log Log1p Expm1 Neg Abs Relu Tanh Sigmoid
  Reciprocal Elu Erf Softplus Step Select Cast Sin Cos Floor Sign Pow`.split(/\s+/),
)

/** Kernels that look at an operand's memory with another shape. */
const views = new Set(['Reshape', 'Identity'])

const size = (slot: Slot, precision: Precision): number =>
  bytesOf(slot.shape, slot.dtype === 'float32' && precision === 'float64' ? 'float64' : slot.dtype)

/** The node whose memory a result lies in. */
const root = (ref: Ref): Node => (views.has(ref.node.op) && ref.node.inputs[0] ? root(ref.node.inputs[0]) : ref.node)

const bytes = (node: Node): number => node.outputs.reduce((sum, slot) => sum + size(slot, node.precision), 0)

/** Memory that an executor takes for a node beside its results. Nodes that name the same `key` share it, from the first of them to the last. */
export interface Scratch {
  readonly key: string
  readonly bytes: number
}

/**
 * Most bytes that a graph's results take at one time when its nodes run in order: a result is alive from its node to its last reader;
 * elementwise kernels write over an operand that dies with them. Inputs, constants and outputs live all the time. `scratch` says what the
 * executor needs besides.
 */
export function peakBytes(graph: Graph, scratch: (node: Node) => readonly Scratch[] = () => []): number {
  const last = new Map<Node, number>()
  const lastUse = new Map<string, number>()
  const used = graph.nodes.map(scratch)
  graph.nodes.forEach((node, i) => node.inputs.forEach((ref) => last.set(root(ref), i)))
  used.forEach((list, i) => list.forEach(({ key }) => lastUse.set(key, i)))
  const kept = new Set(graph.outputs.map(({ ref }) => root(ref)))
  const still = (node: Node): boolean => node.op === 'Input' || node.op === 'Constant' || kept.has(node)
  let now = graph.nodes.reduce((sum, node) => sum + (node.op === 'Input' || node.op === 'Constant' ? bytes(node) : 0), 0)
  let peak = now
  const open = new Set<string>()
  graph.nodes.forEach((node, i) => {
    if (node.op === 'Input' || node.op === 'Constant' || node.op === 'Fill' || views.has(node.op)) return
    const own = bytes(node)
    const dying = [...new Set(node.inputs.map(root))].filter((n) => last.get(n) === i && !still(n) && n.op !== 'Fill')
    const over = inPlace.has(node.op) && dying.some((n) => bytes(n) === own)
    for (const { key, bytes } of used[i]!) {
      if (!open.has(key)) now += bytes
      open.add(key)
    }
    now += own
    peak = Math.max(peak, over ? now - own : now)
    for (const { key, bytes } of used[i]!) if (lastUse.get(key) === i && open.delete(key)) now -= bytes
    for (const dead of dying) now -= bytes(dead)
    if (!last.has(node) && !kept.has(node)) now -= own
  })
  return peak
}

const mebibytes = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`

/** Refuses what cannot fit: `OCK-ENGINE-021` with both numbers. */
export function fits(needed: number, limit: number | undefined, what: string): void {
  const most = limit ?? constrainedMemory()
  if (needed <= most) return
  throw new InputError({
    code: 'OCK-ENGINE-021',
    what: `${what} needs ${mebibytes(needed)} at its peak, and there are ${mebibytes(most)}`,
    remedy: 'take a smaller batch, with accumulate for the same gradient, or a smaller model',
  })
}
