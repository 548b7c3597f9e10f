import { InputError, type Value } from 'ockham'
import { fault, quoted, refusal } from './faults.js'
import { isMoment, layersOf, variableName, type Step, type Weight } from './layers.js'
import { Names } from './names.js'
import { ops } from './ops/index.js'
import type { Declared, OnnxGraph, OnnxNode } from './read.js'
import { transposed } from './transposed.js'

/** What a file computes, ready to be traced. */
export interface Plan {
  readonly file: string
  readonly opset: number
  readonly steps: readonly Step[]
  readonly input: Declared
  readonly output: Declared
  readonly params: Readonly<Record<string, Value>>
  readonly frozen: Readonly<Record<string, Value>>
  /** Which variable a name of the graph stands for; the variables of layers are known by the layer. */
  readonly variables: ReadonlyMap<string, string>
  /** Numbers of the graph that are no variables. */
  readonly constants: ReadonlyMap<string, Value>
}

export interface Choice {
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly softmax: 'drop' | 'keep'
  readonly weights: 'params' | 'frozen'
  /** Layers and variables that are not learnt although `weights` is `params`. */
  readonly freeze: readonly string[]
}

/** One of the inputs, or of the outputs, by name. */
function chosen(all: readonly Declared[], name: string | undefined, what: 'input' | 'output', file: string): Declared {
  const found = name === undefined ? (all.length === 1 ? all[0] : undefined) : all.find((a) => a.name === name)
  if (found) return found
  const said = name === undefined ? `the network has ${all.length} ${what}s` : `there is no ${what} ${quoted(name)}`
  throw refusal(11, said, file, `set ${what} to one of ${all.map((a) => quoted(a.name)).join(', ')}`)
}

/** The input to feed; others must not matter to the output. */
function inputOf(graph: OnnxGraph, nodes: readonly OnnxNode[], name: string | undefined): Declared {
  const read = new Set(nodes.flatMap((n) => n.inputs))
  const live = graph.inputs.filter((i) => read.has(i.name))
  const input = chosen(name === undefined ? live : graph.inputs, name, 'input', graph.file)
  const others = live.filter((i) => i !== input)
  if (others.length === 0) return input
  const said = `the network reads ${others.map((i) => quoted(i.name)).join(', ')} beside ${quoted(input.name)}`
  throw refusal(11, said, graph.file, 'export a network of one input, or choose an output that needs one input alone')
}

/** Logits for the output: what a last softmax over classes is of. */
function logits(graph: OnnxGraph, output: Declared): Declared {
  const maker = graph.nodes.find((n) => n.outputs.includes(output.name))
  if (maker?.op !== 'Softmax') return output
  const axis = maker.attrs.get('axis') ?? (graph.opset < 13 ? 1 : -1)
  const last = axis === -1 || axis === (output.shape?.length ?? 2) - 1
  return last ? { ...output, name: maker.inputs[0]! } : output
}

/** Nodes that `output` needs, in order. */
function needed(nodes: readonly OnnxNode[], output: string): OnnxNode[] {
  const wanted = new Set([output])
  const kept: OnnxNode[] = []
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue
    kept.push(node)
    for (const name of node.inputs) if (name !== '') wanted.add(name)
  }
  return kept.reverse()
}

/** Every operator that there is no rule for, in one error. */
function checkOperators(nodes: readonly OnnxNode[], file: string): void {
  const missing = new Map<string, string[]>()
  for (const { op, name } of nodes) if (op !== 'Constant' && !ops.has(op)) missing.set(op, [...(missing.get(op) ?? []), name])
  if (missing.size === 0) return
  const faults = [...missing].map(([op, at]) => {
    const where = `${file}, ${at.length === 1 ? 'node' : 'nodes'} ${at.slice(0, 5).map(quoted).join(', ')}${at.length > 5 ? ', …' : ''}`
    return fault(5, `the operator ${op} is not known here`, where, 'export the network without it, or choose an output before it')
  })
  throw new InputError(faults)
}

const numbers = (data: readonly number[], dtype: 'float32' | 'int32', shape: readonly number[]): Value => ({
  shape,
  dtype,
  data: dtype === 'float32' ? Float32Array.from(data) : Int32Array.from(data, (n) => Math.max(-2147483648, Math.min(2147483647, n))),
})

/** What a node `Constant` holds. */
function constantOf({ attrs }: OnnxNode): Value | undefined {
  const [entry] = attrs
  if (!entry) return undefined
  const [name, a] = entry
  if (typeof a === 'object' && 'data' in a) return a
  const dtype = name.startsWith('value_float') ? 'float32' : 'int32'
  if (typeof a === 'number') return numbers([a], dtype, [])
  return Array.isArray(a) ? numbers(a as readonly number[], dtype, [(a as readonly number[]).length]) : undefined
}

const readersOf = (nodes: readonly OnnxNode[]): Map<string, OnnxNode[]> => {
  const readers = new Map<string, OnnxNode[]>()
  for (const node of nodes) for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node])
  return readers
}

/** Takes constants out of the operations, and turns weights where the graph would. */
function folded(graph: OnnxGraph, all: readonly OnnxNode[]) {
  const weights = new Map<string, Weight>([...graph.initializers].map(([from, value]) => [from, { value, from }]))
  const constants = new Map<string, Value>()
  const readers = readersOf(all.filter((n) => n.op !== 'Shape'))
  const nodes = all.filter((node) => {
    const [name = '', result = ''] = [node.inputs[0], node.outputs[0]]
    const value = node.op === 'Constant' ? constantOf(node) : undefined
    if (value) constants.set(result, value)
    const sized = node.op === 'Shape' && node.attrs.size === 0 ? weights.get(name) : undefined
    if (sized) constants.set(result, numbers(sized.value.shape, 'int32', [sized.value.shape.length]))
    if (sized) return false
    const weight = readers.get(name)?.length === 1 ? weights.get(name) : undefined
    const turned = weight && {
      Identity: () => weight.value,
      Transpose: () => transposed(weight.value, node.attrs.get('perm') as number[] | undefined),
    }
    const made = turned?.[node.op as keyof typeof turned]?.()
    if (made) weights.set(result, { value: made, from: weight!.from })
    return !value && !made
  })
  return { nodes, weights, constants }
}

/** Operands of these are settings, never weights. */
const settings = new Set(['Clip', 'Pad', 'Range', 'Expand', 'Reshape', 'Where', 'Pow', 'Dropout', 'OneHot'])

const isWeight = ({ value, from }: Weight, readers: readonly OnnxNode[], ours: boolean): boolean =>
  value.dtype === 'float32' &&
  (ours ? /^(params|frozen|state)\./.test(from) : value.data.length > 1 && !readers.every((n) => settings.has(n.op)))

/** What is computed and from which variables. Throws `OCK-ONNX-005` with every operator that is not known, `OCK-ONNX-011`. */
export function planOf(graph: OnnxGraph, choice: Choice): Plan {
  const wanted = graph.nodes.some((n) => choice.output !== undefined && n.outputs.includes(choice.output))
  const given = wanted
    ? (graph.outputs.find((o) => o.name === choice.output) ?? { name: choice.output!, shape: undefined, whole: false })
    : chosen(graph.outputs, choice.output, 'output', graph.file)
  const output = choice.softmax === 'drop' ? logits(graph, given) : given
  const live = needed(graph.nodes, output.name)
  checkOperators(live, graph.file)
  const input = inputOf(graph, live, choice.input)
  const { nodes, weights, constants } = folded(graph, live)
  const names = new Names()
  const layers = layersOf({ nodes, weights, readers: readersOf(nodes), output: output.name }, names)
  const readers = readersOf(layers.steps)
  const learnt: Record<string, Value> = {}
  const frozen: Record<string, Value> = {}
  const variables = new Map<string, string>()
  const put = (name: string, { value, from }: Weight, moment: boolean): void => {
    const held =
      choice.weights === 'frozen' ||
      moment ||
      (graph.ours && !from.startsWith('params.')) ||
      choice.freeze.some((f) => name === f || name.startsWith(`${f}.`))
    ;(held ? frozen : learnt)[name] = value
  }
  for (const [name, weight] of layers.variables) put(names.take(name), weight, false)
  for (const step of layers.steps)
    step.inputs.forEach((name, place) => {
      const weight = weights.get(name)
      if (!weight || variables.has(name) || constants.has(name)) return
      if (!isWeight(weight, readers.get(name)!, graph.ours)) return void constants.set(name, weight.value)
      const called = names.take(variableName(step, place, weight, weights))
      variables.set(name, called)
      put(called, weight, isMoment(step, place))
    })
  return { file: graph.file, opset: graph.opset, steps: layers.steps, input, output, params: learnt, frozen, variables, constants }
}
