import type { Node } from '../engine/graph.js'

type Fields = Pick<Node, 'op' | 'inputs' | 'attrs' | 'outputs' | 'value'>

/** A node in another's place; it finds its line where that one does, and only when asked, as finding it is slow. */
export function made(like: Node, changes: Partial<Fields>, id = like.id): Node {
  return Object.defineProperty({ ...like, ...changes, id }, 'line', { get: () => like.line })
}
