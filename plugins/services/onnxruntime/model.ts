import { createHash } from 'node:crypto'
import { attributeType, dataType, encodeModel } from './proto.js'
import type { AttributeProto, Dimension, ElementType, GraphProto, NodeProto, TensorProto, ValueInfoProto } from './proto.js'
export type { ElementType } from './proto.js'

/** Operator sets that models are written in; the runtime's kernels for them do not change within one of its versions. */
export const opsets = { '': 18, 'com.microsoft': 1 } as const
export const irVersion = 8
export const contrib = 'com.microsoft'

/** An attribute: integers as numbers, floats as `{ f }`. */
export type Attribute = number | string | readonly number[] | { readonly f: number } | { readonly graph: GraphProto }
export type Attributes = Readonly<Record<string, Attribute | undefined>>
export type ConstantData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array

const attributeOf = (name: string, a: Attribute): AttributeProto => {
  if (typeof a === 'number') return { name, type: attributeType.i, i: a }
  if (typeof a === 'string') return { name, type: attributeType.s, s: new TextEncoder().encode(a) }
  if ('f' in a) return { name, type: attributeType.f, f: a.f }
  if ('graph' in a) return { name, type: attributeType.g, g: a.graph }
  return { name, type: attributeType.ints, ints: a }
}

const valueInfo = (name: string, type: ElementType, shape: readonly (number | string)[]): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: dataType[type],
      shape: { dim: shape.map((d): Dimension => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
    },
  },
})

const bytesOf = (a: ConstantData): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength)

/** Constants up to this many bytes are written where they are read; larger ones in the outermost graph, once for all steps of a loop. */
const localBytes = 256

const digest = (bytes: Uint8Array): string =>
  bytes.length <= localBytes ? bytes.join() : createHash('sha256').update(bytes).digest('base64')

/**
 * One ONNX graph under construction: the main graph, or the body of a loop that sees the names of the graph around it.
 * Equal nodes and equal constants are merged.
 */
export class Scope {
  readonly #nodes: NodeProto[] = []
  readonly #initializers: TensorProto[] = []
  readonly #inputs: ValueInfoProto[] = []
  readonly #outputs: ValueInfoProto[] = []
  /** Results of nodes that are no outputs. */
  readonly #made = new Set<string>()
  readonly #known = new Map<string, readonly string[]>()
  readonly #names: { next: number }
  readonly #name: string
  readonly #around: Scope | undefined

  constructor(name: string, around?: Scope) {
    this.#name = name
    this.#around = around
    this.#names = around ? around.#names : { next: 0 }
  }

  /** Nodes so far, those of bodies left out. */
  get size(): number {
    return this.#nodes.length
  }

  fresh(hint: string): string {
    return `${hint}_${this.#names.next++}`
  }

  input(name: string, type: ElementType, shape: readonly (number | string)[]): string {
    this.#inputs.push(valueInfo(name, type, shape))
    return name
  }

  /** Makes a value an output, and returns its name there: a new one unless a node of this scope made it and it is no output yet. */
  output(name: string, type: ElementType, shape: readonly (number | string)[]): string {
    const own = this.#made.delete(name) ? name : this.#node('Identity', [name], [], 1, 'Identity')[0]!
    this.#made.delete(own)
    this.#outputs.push(valueInfo(own, type, shape))
    return own
  }

  /** Adds a node with `count` results and returns their names; `label` goes into the node's name, where errors show it. */
  emit(op: string, inputs: readonly string[], attrs: Attributes, count: number, label: string): readonly string[] {
    const attribute = Object.entries(attrs).flatMap(([name, a]) => (a === undefined ? [] : [attributeOf(name, a)]))
    const key = attribute.some((a) => a.g) ? undefined : JSON.stringify([op, inputs, attrs, count])
    const known = key === undefined ? undefined : this.#known.get(key)
    if (known) return known
    const output = this.#node(op, inputs, attribute, count, label)
    if (key !== undefined) this.#known.set(key, output)
    return output
  }

  #node(op: string, input: readonly string[], attribute: readonly AttributeProto[], count: number, label: string): readonly string[] {
    const microsoft = op.startsWith(`${contrib}.`)
    const opType = microsoft ? op.slice(contrib.length + 1) : op
    const output = Array.from({ length: count }, () => this.fresh(opType))
    this.#nodes.push({ name: this.fresh(label), opType, domain: microsoft ? contrib : '', input, output, attribute })
    for (const name of output) this.#made.add(name)
    return output
  }

  constant(type: ElementType, shape: readonly number[], data: ConstantData): string {
    const rawData = bytesOf(data)
    if (this.#around && rawData.length > localBytes) return this.#around.constant(type, shape, data)
    const key = `constant ${type} ${shape.join()} ${digest(rawData)}`
    const known = this.#known.get(key)
    if (known) return known[0]!
    const name = this.fresh('c')
    this.#initializers.push({ name, dims: shape, dataType: dataType[type], rawData })
    this.#known.set(key, [name])
    return name
  }

  /** An array under a name of its own, which must be new; equal arrays stay two. */
  named(name: string, type: ElementType, shape: readonly number[], data: ConstantData): string {
    this.#initializers.push({ name, dims: shape, dataType: dataType[type], rawData: bytesOf(data) })
    return name
  }

  graph(): GraphProto {
    return { name: this.#name, node: this.#nodes, initializer: this.#initializers, input: this.#inputs, output: this.#outputs }
  }

  model(): Uint8Array {
    return modelFile(this.graph())
  }
}

/** A graph as the bytes of an `.onnx` file; `notes` are for its readers. */
export function modelFile(graph: GraphProto, notes: Readonly<Record<string, string>> = {}): Uint8Array {
  const opsetImport = Object.entries(opsets).map(([domain, version]) => ({ domain, version }))
  const metadataProps = Object.entries(notes).map(([key, value]) => ({ key, value }))
  return encodeModel({ irVersion, producerName: 'ockham', graph, opsetImport, metadataProps })
}
