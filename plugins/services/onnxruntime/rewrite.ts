import type { Graph, Node, Ref } from '../engine/graph.js'
import { fusions } from './fusions.js'
import { imageRules } from './image-rules.js'
import { made } from './made.js'
import { inOrder } from './order.js'
import { rules } from './rules.js'
import type { Site } from './rules.js'

const all = [...fusions, ...imageRules, ...rules]
const key = (ref: Ref): string => `${ref.node.id}:${ref.index}`

function readersOf(graph: Graph): Map<string, (Node | undefined)[]> {
  const readers = new Map<string, (Node | undefined)[]>()
  const count = (ref: Ref, by?: Node): void => {
    const known = readers.get(key(ref))
    if (known) known.push(by)
    else readers.set(key(ref), [by])
  }
  for (const node of graph.nodes) for (const ref of node.inputs) count(ref, node)
  for (const { ref } of graph.outputs) count(ref)
  return readers
}

/**
 * The same function in fewer passes over memory; results may differ in the last bits. Inputs stay the same nodes, also where
 * nothing reads them.
 */
export function rewrite(graph: Graph): Graph {
  const known = readersOf(graph)
  const readers = (ref: Ref): readonly (Node | undefined)[] => known.get(key(ref)) ?? []
  const uses = (ref: Ref): number => readers(ref).length
  let last = Math.max(0, ...graph.nodes.map((n) => n.id))
  const fresh = (): number => ++last
  const replaced = new Map<Node, Node>()
  const follow = (ref: Ref): Ref => ({ node: replaced.get(ref.node) ?? ref.node, index: ref.index })
  for (const original of graph.nodes) {
    if (original.inputs.length === 0) continue
    const { op, attrs, outputs } = original
    let site: Site = { node: made(original, { op, attrs, outputs, inputs: original.inputs.map(follow) }), uses, readers, fresh }
    for (let found: Node | undefined = site.node; found;) {
      site = { ...site, node: found }
      found = all.reduce<Node | undefined>((done, rule) => done ?? rule(site), undefined)
    }
    replaced.set(original, site.node)
  }
  const outputs = graph.outputs.map(({ name, ref }) => ({ name, ref: follow(ref) }))
  const nodes = inOrder(
    outputs.map(({ ref }) => ref.node),
    (node) => node.inputs.map((ref) => ref.node),
    graph.inputs,
  )
  return { nodes, inputs: graph.inputs, outputs }
}
