import { InputError, type Value } from 'ockham'
import { readBytes } from '../datasets/files.js'
import {
  decodeModel,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type ValueInfoProto,
} from '../../services/onnxruntime/proto.js'
import { fault, quoted, refusal } from './faults.js'
import { valueOf } from './tensor.js'

/** What a node says beside its operands: numbers, text and their lists; tensors as Values. */
export type Attribute = number | string | readonly number[] | Value

/** One operation of a file. */
export interface OnnxNode {
  readonly name: string
  /** Operator; of other domains than ONNX' own with the domain before it. */
  readonly op: string
  /** Names of values; '' where an optional one is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attrs: ReadonlyMap<string, Attribute>
}

export interface Declared {
  readonly name: string
  /** −1 where it is open; undefined where nothing is said. */
  readonly shape: readonly number[] | undefined
  /** Whether its numbers are whole. */
  readonly whole: boolean
}

/** A file as a graph: every name is made once, before it is read. */
export interface OnnxGraph {
  readonly file: string
  readonly nodes: readonly OnnxNode[]
  readonly initializers: ReadonlyMap<string, Value>
  readonly inputs: readonly Declared[]
  readonly outputs: readonly Declared[]
  readonly opset: number
  /** Ockham's own export: its variables are named as they were. */
  readonly ours: boolean
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function attributeOf(a: AttributeProto, file: string): Attribute | undefined {
  switch (a.type) {
    case 1:
      return a.f ?? 0
    case 2:
      return a.i ?? 0
    case 3:
      return text(a.s ?? new Uint8Array())
    case 4:
      return a.t && valueOf(a.t, file)
    case 6:
      return a.floats ?? []
    case 7:
      return a.ints ?? []
    default:
      return undefined
  }
}

/** The part of a description that a file may leave out. */
interface Described {
  readonly elemType?: number
  readonly shape?: { readonly dim: readonly { readonly dimValue?: number }[] }
}

const floats = new Set([0, 1, 10, 11, 16])

function declared({ name, type }: ValueInfoProto): Declared {
  const said: Described = (type as { readonly tensorType?: Described } | undefined)?.tensorType ?? {}
  const shape = said.shape?.dim.map(({ dimValue = -1 }) => dimValue)
  return { name, shape, whole: !floats.has(said.elemType ?? 1) }
}

/** Reads a file. Throws `OCK-DATA-010` where it cannot be read, `OCK-ONNX-002` where it is no ONNX model, `-003` for its tensors, `-004`, `-006`. */
export async function readOnnx(file: string): Promise<OnnxGraph> {
  const bytes = await readBytes(file)
  let model: ModelProto
  try {
    model = decodeModel(bytes)
  } catch (cause) {
    const what = `the file is not an ONNX model: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new InputError(fault(2, what, file, 'give a file written by an ONNX exporter'), { cause })
  }
  const graph = model.graph as GraphProto | undefined
  if (!graph || graph.output.length === 0)
    throw refusal(2, 'the file holds no graph with an output', file, 'give a file written by an ONNX exporter')
  const opset = model.opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 0
  if (opset < 7) throw refusal(6, `the operator set is ${opset}`, file, 'export with operator set 7 or later, best 18')
  const initializers = new Map(graph.initializer.map((t) => [t.name ?? '', valueOf(t, file)]))
  const nodes = graph.node.map((node, i): OnnxNode => {
    const attrs = node.attribute.flatMap((a) => {
      const value = attributeOf(a, file)
      return value === undefined ? [] : [[a.name, value] as const]
    })
    const domain = !node.domain || node.domain === 'ai.onnx' ? '' : `${node.domain}.`
    return { name: node.name || `#${i}`, op: `${domain}${node.opType}`, inputs: node.input, outputs: node.output, attrs: new Map(attrs) }
  })
  const inputs = graph.input.map(declared).filter(({ name }) => !initializers.has(name))
  const read = { file, nodes, initializers, inputs, outputs: graph.output.map(declared), opset, ours: model.producerName === 'ockham' }
  checkNames(read)
  return read
}

/** Every name is made once, and before it is read. */
function checkNames({ file, nodes, initializers, inputs, outputs }: OnnxGraph): void {
  const made = new Set([...initializers.keys(), ...inputs.map(({ name }) => name), ''])
  const remedy = 'export the network again; the graph in the file is not a right one'
  for (const node of nodes) {
    const unknown = node.inputs.find((name) => !made.has(name))
    if (unknown !== undefined)
      throw refusal(4, `${quoted(unknown)} is read before anything makes it`, `${file}, node ${quoted(node.name)}`, remedy)
    for (const name of node.outputs) {
      if (name !== '' && made.has(name)) throw refusal(4, `${quoted(name)} is made twice`, `${file}, node ${quoted(node.name)}`, remedy)
      made.add(name)
    }
  }
  const lost = outputs.find(({ name }) => !made.has(name))
  if (lost) throw refusal(4, `nothing makes the output ${quoted(lost.name)}`, file, remedy)
}
