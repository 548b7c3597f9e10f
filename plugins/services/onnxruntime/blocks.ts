import { sizeOf, slotOf } from '../engine/graph.js'
import type { Graph, Node, Ref } from '../engine/graph.js'
import { made } from './made.js'
import { inOrder } from './order.js'

/**
 * Kernels whose result at a place depends on their operands at that place alone. On large tensors a chain of them is run a block at a time, so that
 * what one hands to the next stays in the cache: each pass over memory that does not fit there takes three times as long.
 */
const elementwise = new Set(
  `Add AddN Sub Multiply RealDiv Maximum Minimum SquaredDifference Square Sqrt Rsqrt Exp Log Neg Abs Reciprocal Relu Relu6 LeakyRelu Elu EluGrad Selu
  Sigmoid Tanh Softplus Erf Step ClipByValue Cast Greater GreaterEqual Less LessEqual Select LogicalAnd LogicalOr LogicalNot
  ort.Masked ort.Above`.split(/\s+/),
)

/** Numbers of a tensor from which its chains are cut; numbers of a block: 1 MiB of float32. */
const large = 2 ** 19
const blockNumbers = 2 ** 18
/**
 * How often a chain must save reading or writing a tensor of its size: a block costs about as much as three times. Chains of four operations, as in a
 * residual network, were slower in blocks than without; the dozen of a GELU and its derivative took half the time.
 */
const leastSaved = 12

/** Op of a chain that runs in blocks; its operands are `inputs`, its results those that others read. */
export const blocksOp = 'ort.Blocks'

/** What `attrs.chain` of such a node holds. */
export interface Chain {
  readonly blocks: number
  /** Operands as one block sees them, in the order of the node's inputs; `whole` ones are the same for all blocks. */
  readonly operands: readonly { readonly node: Node; readonly whole: boolean }[]
  readonly members: readonly Node[]
  readonly results: readonly Node[]
}

const columnsOf = (shape: readonly number[]): number => shape.at(-1)!
const numeric = ({ node, index }: Ref): boolean => node.precision === 'float32' && node.outputs[index]!.dtype !== 'int32'

/** How a block sees an operand of a result of this shape: as numbers for all rows, one a row, or rows of its own; nothing where neither fits. */
function view(shape: readonly number[], of: readonly number[], rows: number): readonly number[] | undefined {
  const columns = columnsOf(of)
  if (sizeOf(shape) === 1) return []
  if (shape.length === of.length && shape.every((d, i) => d === of[i])) return [rows, columns]
  if (shape.at(-1) === columns && sizeOf(shape) === columns) return [columns]
  const eachRow = shape.length === of.length && shape.at(-1) === 1 && shape.slice(0, -1).every((d, i) => d === of[i])
  return eachRow ? [rows, 1] : undefined
}

/** The most rows of a block that divide those there are, and stay within its size. */
function rowsOf(shape: readonly number[]): number {
  const columns = columnsOf(shape)
  const total = sizeOf(shape) / columns
  let rows = Math.min(total, Math.max(1, Math.floor(blockNumbers / columns)))
  while (total % rows !== 0) rows--
  return rows
}

function fits(node: Node): boolean {
  const slot = node.outputs[0]
  if (!elementwise.has(node.op) || !slot || slot.shape.length === 0 || sizeOf(slot.shape) < large) return false
  // Blocks much smaller than wanted cost more than they save.
  if (2 * rowsOf(slot.shape) * columnsOf(slot.shape) < blockNumbers) return false
  return numeric({ node, index: 0 }) && node.inputs.every((ref) => numeric(ref) && view(slotOf(ref).shape, slot.shape, 1) !== undefined)
}

/**
 * Chains: nodes of one shape that are joined without a way from one to another that leaves the chain. The level of a node grows with each step into or
 * out of a chain, so nodes of one level that are joined have no such way.
 */
function joints(graph: Graph, apart: ReadonlySet<Node>): Node[][] {
  // What the graph hands out is written where it is wanted; out of a chain it would be copied.
  const given = new Set(graph.outputs.map(({ ref }) => ref.node))
  const able = new Set(graph.nodes.filter((node) => !apart.has(node) && !given.has(node) && fits(node)))
  const shape = (node: Node): string => node.outputs[0]!.shape.join()
  const level = new Map<Node, number>()
  const home = new Map<Node, Node[]>()
  for (const node of graph.nodes) {
    if (apart.has(node)) {
      level.set(node, 0)
      continue
    }
    const along = (from: Node): boolean => able.has(node) && able.has(from) && shape(from) === shape(node)
    level.set(node, Math.max(0, ...node.inputs.map(({ node: from }) => level.get(from)! + (along(from) ? 0 : 1))))
    if (!able.has(node)) continue
    const chain = [node]
    home.set(node, chain)
    for (const { node: from } of node.inputs) {
      const other = home.get(from)
      if (!along(from) || level.get(from) !== level.get(node) || !other || other === home.get(node)) continue
      const into = home.get(node)!
      for (const member of other) home.set(member, into)
      into.push(...other)
    }
  }
  const place = new Map(graph.nodes.map((node, i) => [node, i]))
  return [...new Set(home.values())].map((chain) => chain.sort((a, b) => place.get(a)! - place.get(b)!))
}

/** Where a result of the graph as it was is found now. */
type Follow = (ref: Ref) => Ref

/** One node for a chain, whose operands are there already. */
function joined(chain: readonly Node[], wanted: readonly Node[], follow: Follow): Node {
  const { shape } = chain[0]!.outputs[0]!
  const [rows, columns] = [rowsOf(shape), columnsOf(shape)]
  const outside = new Map<string, { ref: Ref; node: Node; whole: boolean }>()
  const inside = new Map<Node, Node>()
  const operand = (ref: Ref): Ref => {
    const member = inside.get(ref.node)
    if (member) return { node: member, index: 0 }
    const key = `${ref.node.id}:${ref.index}`
    const seen = view(slotOf(ref).shape, shape, rows)!
    const known = outside.get(key) ?? {
      ref: follow(ref),
      node: made(ref.node, { op: 'Input', inputs: [], attrs: {}, outputs: [{ ...slotOf(ref), shape: seen }] }),
      whole: seen.length < 2,
    }
    outside.set(key, known)
    return { node: known.node, index: 0 }
  }
  for (const node of chain) {
    const outputs = [{ ...node.outputs[0]!, shape: [rows, columns] }]
    inside.set(node, made(node, { outputs, inputs: node.inputs.map(operand) }))
  }
  const operands = [...outside.values()]
  const members = [...inside.values()]
  const held = { blocks: sizeOf(shape) / (rows * columns), operands, members, results: wanted.map((node) => inside.get(node)!) }
  return made(chain.at(-1)!, {
    op: blocksOp,
    inputs: operands.map(({ ref }) => ref),
    attrs: { chain: held satisfies Chain },
    outputs: wanted.map((node) => node.outputs[0]!),
  })
}

/** How often a tensor of the chain's size is read or written by its nodes one by one, but not by the blocks. */
function saved(chain: readonly Node[], wanted: readonly Node[]): number {
  const numbers = sizeOf(chain[0]!.outputs[0]!.shape)
  const wide = chain.flatMap((node) => node.inputs).filter((ref) => sizeOf(slotOf(ref).shape) === numbers)
  const outside = new Set(wide.map(({ node }) => node).filter((node) => !chain.includes(node)))
  return chain.length + wide.length - outside.size - wanted.length
}

/** The same graph with long chains of elementwise kernels on large tensors as one node each. Nodes `apart`, which depend on no others, stay as they are. */
export function inBlocks(graph: Graph, apart: ReadonlySet<Node> = new Set()): Graph {
  const unitOf = new Map<Node, readonly Node[]>(graph.nodes.map((node) => [node, [node]]))
  const readers = new Map<Node, Node[]>()
  for (const node of graph.nodes) for (const { node: from } of node.inputs) readers.set(from, [...(readers.get(from) ?? []), node])
  const wantedOf = (chain: readonly Node[]): Node[] => chain.filter((node) => readers.get(node)?.some((by) => !chain.includes(by)))
  for (const chain of joints(graph, apart)) {
    if (saved(chain, wantedOf(chain)) >= leastSaved) for (const node of chain) unitOf.set(node, chain)
  }

  const now = new Map<Node, Ref>()
  const follow: Follow = (ref) => {
    const at = now.get(ref.node)!
    return unitOf.get(ref.node)!.length > 1 ? at : { node: at.node, index: ref.index }
  }
  const units = inOrder(
    graph.nodes.map((node) => unitOf.get(node)!),
    (unit) => unit.flatMap((node) => node.inputs.map((ref) => unitOf.get(ref.node)!)).filter((other) => other !== unit),
  )
  const nodes = units.map((unit) => {
    const [only] = unit
    if (unit.length === 1) {
      const node = only!.inputs.length === 0 ? only! : made(only!, { inputs: only!.inputs.map(follow) })
      now.set(only!, { node, index: 0 })
      return node
    }
    const wanted = wantedOf(unit)
    const node = joined(unit, wanted, follow)
    wanted.forEach((member, index) => now.set(member, { node, index }))
    return node
  })
  return { nodes, inputs: graph.inputs, outputs: graph.outputs.map(({ name, ref }) => ({ name, ref: follow(ref) })) }
}
