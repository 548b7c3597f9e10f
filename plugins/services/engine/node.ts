import type { Precision, Value } from 'ockham'
import type { Node, Ref, Slot, Source } from './graph.js'
import type { Mark } from './line.js'

export type Fields = Omit<Node, 'line'>

/** A node that finds its line when it is asked. */
export class GraphNode implements Node {
  readonly id: number
  readonly op: string
  readonly inputs: readonly Ref[]
  readonly attrs: Readonly<Record<string, unknown>>
  readonly outputs: readonly Slot[]
  readonly precision: Precision
  declare readonly source?: Source
  declare readonly value?: Value
  declare readonly host?: (...inputs: Value[]) => readonly Value[]
  readonly #mark: Mark | undefined

  constructor(fields: Fields, mark?: Mark) {
    this.id = fields.id
    this.op = fields.op
    this.inputs = fields.inputs
    this.attrs = fields.attrs
    this.outputs = fields.outputs
    this.precision = fields.precision
    if (fields.source) this.source = fields.source
    if (fields.value) this.value = fields.value
    if (fields.host) this.host = fields.host
    this.#mark = mark
  }

  get line(): string {
    return this.#mark?.line ?? 'unknown line'
  }

  /** The same node with other fields. */
  with(changes: Partial<Fields>): GraphNode {
    return new GraphNode({ ...(this as Fields), ...changes }, this.#mark)
  }
}
