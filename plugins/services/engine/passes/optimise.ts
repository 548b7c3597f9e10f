import type { Graph, Node, Ref } from '../graph.js'
import type { GraphNode } from '../node.js'
import { identity } from './merge.js'
import { simplify } from './simplify.js'

type Outputs = readonly { readonly name: string; readonly ref: Ref }[]

/** Nodes that the outputs need, in the order given, and inputs that are kept whatever reads them. */
function needed(nodes: readonly GraphNode[], outputs: Outputs): GraphNode[] {
  const live = new Set<Node>(outputs.map((o) => o.ref.node))
  for (const node of nodes) if (node.source?.kind === 'carry') live.add(node)
  // Inputs come before what reads them, so one sweep from the end finds everything.
  for (const node of nodes.toReversed()) if (live.has(node)) for (const ref of node.inputs) live.add(ref.node)
  return nodes.filter((n) => live.has(n))
}

/** Gives nodes new numbers or inputs, and says what became of each result. */
class Rewriting {
  readonly nodes: GraphNode[] = []
  readonly #now = new Map<Node, readonly Ref[]>()

  at = (ref: Ref): Ref => this.#now.get(ref.node)![ref.index]!

  moved(node: GraphNode): GraphNode {
    return node.with({ id: this.nodes.length, inputs: node.inputs.map(this.at) })
  }

  become(node: GraphNode, results: readonly Ref[]): void {
    this.#now.set(node, results)
  }

  keep(node: GraphNode): readonly Ref[] {
    const kept = node.id === this.nodes.length ? node : node.with({ id: this.nodes.length })
    this.nodes.push(kept)
    return kept.outputs.map((_, index) => ({ node: kept, index }))
  }

  outputs = (outputs: Outputs): Outputs => outputs.map(({ name, ref }) => ({ name, ref: this.at(ref) }))
}

/** One rule may make way for another. */
function simplest(node: GraphNode, supports: (op: string) => boolean): Ref | GraphNode {
  const next = simplify(node, supports)
  return next === node || 'node' in next ? next : simplest(next, supports)
}

function rewrite(
  nodes: readonly GraphNode[],
  outputs: Outputs,
  supports: (op: string) => boolean,
): { nodes: GraphNode[]; outputs: Outputs } {
  const to = new Rewriting()
  const known = new Map<string, readonly Ref[]>()
  for (const node of nodes) {
    const simple = simplest(to.moved(node), supports)
    if ('node' in simple) {
      to.become(node, [simple])
      continue
    }
    const key = identity(simple)
    const merged = key === undefined ? undefined : known.get(key)
    const results = merged ?? to.keep(simple)
    if (key !== undefined) known.set(key, results)
    to.become(node, results)
  }
  return { nodes: to.nodes, outputs: to.outputs(outputs) }
}

function renumber(nodes: readonly GraphNode[], outputs: Outputs): { nodes: GraphNode[]; outputs: Outputs } {
  const to = new Rewriting()
  for (const node of nodes) to.become(node, to.keep(to.moved(node)))
  return { nodes: to.nodes, outputs: to.outputs(outputs) }
}

/**
 * The graph of what was traced: dead code removed, no-ops left out, equal sub-expressions computed once. Nodes stay in
 * the order in which they were made, so that the same function gives the same graph.
 */
export function optimise(nodes: readonly GraphNode[], outputs: Outputs, supports: (op: string) => boolean): Graph {
  let work = { nodes: needed(nodes, outputs), outputs }
  for (let size = Infinity; work.nodes.length < size;) {
    size = work.nodes.length
    const next = rewrite(work.nodes, work.outputs, supports)
    work = { nodes: needed(next.nodes, next.outputs), outputs: next.outputs }
  }
  const last = renumber(work.nodes, work.outputs)
  return { nodes: last.nodes, inputs: last.nodes.filter((n) => n.op === 'Input'), outputs: last.outputs }
}
