import type { Graph, Node, Ref } from '../engine/graph.js'

/** What runs between two host calls: nodes for one session, then the host calls that wait for it. */
export interface Segment {
  readonly nodes: readonly Node[]
  /** Values of other segments, inputs and captures that its nodes read. */
  readonly reads: readonly Ref[]
  /** Values of its nodes that host calls, other segments or the caller read. */
  readonly writes: readonly Ref[]
  readonly hosts: readonly Node[]
}

export const refKey = (ref: Ref): string => `v${ref.node.id}_${ref.index}`

const unique = (refs: readonly Ref[]): Ref[] => [...new Map(refs.map((ref) => [refKey(ref), ref])).values()]

/** Number of host calls that must come before each node. */
function depths(graph: Graph, isHost: (node: Node) => boolean): Map<Node, number> {
  const depth = new Map<Node, number>()
  for (const node of graph.nodes) {
    depth.set(node, Math.max(0, ...node.inputs.map((ref) => depth.get(ref.node)! + (isHost(ref.node) ? 1 : 0))))
  }
  return depth
}

/** Cuts a graph at its host calls; each node runs as early as it can. One segment where there is no host call. */
export function segment(graph: Graph, isHost: (node: Node) => boolean): Segment[] {
  const depth = depths(graph, isHost)
  const count = Math.max(0, ...depth.values()) + 1
  const computed = (node: Node): boolean => node.op !== 'Input' && node.op !== 'Constant' && !isHost(node)
  const groups = Array.from({ length: count }, (_, d) => graph.nodes.filter((n) => depth.get(n) === d))
  return groups.map((group, d) => {
    const nodes = group.filter(computed)
    const inside = new Set(nodes)
    const outsiders = graph.nodes.filter((n) => depth.get(n) !== d || isHost(n))
    const wanted = [...outsiders.flatMap((n) => n.inputs), ...graph.outputs.map((o) => o.ref)]
    return {
      nodes,
      reads: unique(nodes.flatMap((n) => n.inputs).filter((ref) => !inside.has(ref.node) && ref.node.op !== 'Constant')),
      writes: unique(wanted.filter((ref) => inside.has(ref.node))),
      hosts: group.filter(isHost),
    }
  })
}
