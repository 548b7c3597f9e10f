import { slotOf } from '../engine/graph.js'
import type { Graph, Node, Ref } from '../engine/graph.js'

/** A node whose operands are rewritten already, and how often each value of the graph is read. */
interface Site {
  readonly node: Node
  readonly uses: (ref: Ref) => number
}
type Rule = (site: Site) => Ref | Node | undefined

const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((d, i) => d === b[i])

/** A node in another's place; it finds its line where that one does, when asked. */
const changed = (like: Node, changes: Partial<Pick<Node, 'op' | 'inputs' | 'attrs'>>): Node =>
  ({
    ...like,
    ...changes,
    get line() {
      return like.line
    },
  }) as Node
const made = (like: Node, op: string, inputs: readonly Ref[], attrs: Node['attrs'] = {}): Node => changed(like, { op, inputs, attrs })

/** What changes neither shape, type nor value is its operand. */
const nothing: Rule = ({ node }) => {
  const x = node.inputs[0]
  if (!x || x.node.precision !== node.precision) return undefined
  const [before, after] = [slotOf(x), node.outputs[0]!]
  if (before.dtype !== after.dtype || !same(before.shape, after.shape)) return undefined
  const idle =
    node.op === 'Identity' ||
    node.op === 'Cast' ||
    node.op === 'Reshape' ||
    (node.op === 'Tile' && !after.shape.includes(0))
  return idle ? x : undefined
}

/** Of reshapes in a row the last decides. */
const lastReshape: Rule = ({ node }) => {
  const x = node.inputs[0]
  if (!x || node.op !== 'Reshape' || x.node.op !== 'Reshape') return undefined
  return made(node, 'Reshape', x.node.inputs)
}

/** A transposed matrix is read transposed. */
const transposedOperand: Rule = ({ node }) => {
  if (node.op !== 'BatchMatMul' || node.outputs[0]!.dtype !== 'float32') return undefined
  const swapsLast = (ref: Ref): boolean => {
    const perm = ref.node.op === 'Transpose' ? (ref.node.attrs['perm'] as readonly number[]) : []
    const n = perm.length
    return n >= 2 && ref.node.precision === node.precision && perm.every((p, i) => p === (i < n - 2 ? i : i === n - 2 ? n - 1 : n - 2))
  }
  const [a, b] = [node.inputs[0]!, node.inputs[1]!]
  if (!swapsLast(a) && !swapsLast(b)) return undefined
  const attrs = { ...node.attrs }
  if (swapsLast(a)) attrs['transposeA'] = !attrs['transposeA']
  if (swapsLast(b)) attrs['transposeB'] = !attrs['transposeB']
  return changed(node, { attrs, inputs: [swapsLast(a) ? a.node.inputs[0]! : a, swapsLast(b) ? b.node.inputs[0]! : b] })
}

/** A product of matrices read only by the addition of a row. */
const bias: Rule = ({ node, uses }) => {
  if (node.op !== 'Add') return undefined
  for (const [product, row] of [node.inputs, [...node.inputs].reverse()] as [Ref, Ref][]) {
    const { op, precision, outputs, inputs, attrs } = product.node
    const shape = slotOf(row).shape
    const fits =
      op === 'BatchMatMul' &&
      precision === node.precision &&
      row.node.precision === node.precision &&
      outputs[0]!.dtype === 'float32' &&
      slotOf(row).dtype === 'float32' &&
      inputs.every((ref) => slotOf(ref).shape.length === 2) &&
      uses(product) === 1 &&
      (shape.length === 1 || (shape.length === 2 && shape[0] === 1)) &&
      shape.at(-1) === outputs[0]!.shape[1]
    if (fits) return made(node, 'ort.Gemm', [...inputs, row], attrs)
  }
  return undefined
}

/** Times a mask is a choice between the other factor and zero: one pass where there were three. */
const masked: Rule = ({ node }) => {
  if (node.op !== 'Multiply' || node.outputs[0]!.dtype !== 'float32') return undefined
  for (const [factor, mask] of [node.inputs, [...node.inputs].reverse()] as [Ref, Ref][]) {
    let at = mask
    while (at.node.op === 'Cast') at = at.node.inputs[0]!
    const step = at.node.op === 'Step' && !at.node.attrs['alpha']
    const bool = at !== mask && slotOf(at).dtype === 'bool'
    if ((step || bool) && same(slotOf(factor).shape, node.outputs[0]!.shape)) {
      return made(node, step ? 'ort.Above' : 'ort.Masked', [step ? at.node.inputs[0]! : at, factor])
    }
  }
  return undefined
}

const rules: readonly Rule[] = [nothing, lastReshape, transposedOperand, bias, masked]

const key = (ref: Ref): string => `${ref.node.id}:${ref.index}`

function countUses(graph: Graph): Map<string, number> {
  const uses = new Map<string, number>()
  const count = (ref: Ref): void => void uses.set(key(ref), (uses.get(key(ref)) ?? 0) + 1)
  for (const node of graph.nodes) node.inputs.forEach(count)
  for (const { ref } of graph.outputs) count(ref)
  return uses
}

/** Nodes that some output needs, in order. */
function reached(nodes: readonly Node[], outputs: Graph['outputs']): Node[] {
  const needed = new Set<Node>(outputs.map((o) => o.ref.node))
  return [...nodes]
    .reverse()
    .filter((node) => {
      if (needed.has(node)) for (const ref of node.inputs) needed.add(ref.node)
      return needed.has(node)
    })
    .reverse()
}

/** The same function in fewer passes over memory. Inputs stay the same nodes, also where nothing reads them. */
export function rewrite(graph: Graph): Graph {
  const counts = countUses(graph)
  const uses = (ref: Ref): number => counts.get(key(ref)) ?? 0
  const replaced = new Map<Node, Ref | Node>()
  const follow = (ref: Ref): Ref => {
    const to = replaced.get(ref.node)
    return to === undefined ? ref : 'node' in to ? to : { node: to, index: ref.index }
  }
  const nodes: Node[] = []
  for (const original of graph.nodes) {
    if (original.inputs.length === 0) {
      nodes.push(original)
      continue
    }
    let node = changed(original, { inputs: original.inputs.map(follow) })
    let result: Ref | Node = node
    for (let again = true; again;) {
      again = false
      for (const rule of rules) {
        const found = rule({ node, uses })
        if (found === undefined) continue
        result = found
        if (!('node' in found)) node = found
        again = !('node' in found)
        break
      }
    }
    replaced.set(original, result)
    if (!('node' in result)) nodes.push(result)
  }
  const outputs = graph.outputs.map(({ name, ref }) => ({ name, ref: follow(ref) }))
  return { nodes: reached(nodes, outputs), inputs: graph.inputs, outputs }
}
