import type { Value } from 'ockham'
import { moduleOf, moduleOfNode, plainName, type Names } from './names.js'
import type { OnnxNode } from './read.js'
import { transposed } from './transposed.js'

/** An array of the file, under whatever name the graph reads it, and the name the file gave it. */
export interface Weight {
  readonly value: Value
  readonly from: string
}

/** An operation of a plan. A layer is one whose weights are the variables `<layer>.kernel` and `<layer>.bias`. */
export interface Step extends OnnxNode {
  readonly layer?: string
  /** Whether the bias is the layer's: a variable of that name may be added elsewhere. */
  readonly bias?: boolean
}

/** The graph as layers are looked for: what is a weight, and who reads what. */
export interface Site {
  readonly nodes: readonly OnnxNode[]
  readonly weights: ReadonlyMap<string, Weight>
  readonly readers: ReadonlyMap<string, readonly OnnxNode[]>
  readonly output: string
}

interface Found {
  readonly op: 'ockham.Dense' | 'ockham.Conv'
  readonly kernel: Weight
  readonly bias: Weight | undefined
  /** Operands beside the input. */
  readonly rest?: readonly string[]
  /** Name of the result. */
  readonly result: string
  /** The addition of the bias, where that is an operation of its own. */
  readonly tail?: OnnxNode
}

const size = ({ value }: Weight): number => value.data.length
const number = (node: OnnxNode, name: string, otherwise: number): number => (node.attrs.get(name) as number | undefined) ?? otherwise
const scaled = ({ value, from }: Weight, by: number): Weight =>
  by === 1 ? { value, from } : { from, value: { ...value, data: (value.data as Float32Array).map((x) => x * by) } }
const turned = ({ value, from }: Weight, perm: readonly number[]): Weight => ({ from, value: transposed(value, perm) })
const flat = ({ value, from }: Weight): Weight => ({ from, value: { ...value, shape: [value.data.length] } })

/** A float array that only this place reads, so that its form may change. */
const own = ({ weights, readers }: Site, name: string | undefined): Weight | undefined => {
  const weight = name ? weights.get(name) : undefined
  return weight?.value.dtype === 'float32' && readers.get(name!)?.length === 1 ? weight : undefined
}

/** x W, then + b where a bias is all that happens next. */
function product(site: Site, node: OnnxNode): Found | undefined {
  const [a = '', b] = node.inputs
  const given = own(site, b)
  if (!given || given.value.shape.length !== 2 || site.weights.has(a) || number(node, 'transA', 0) || number(node, 'transBatchA', 0))
    return undefined
  const kernel = scaled(number(node, 'transB', 0) ? turned(given, [1, 0]) : given, number(node, 'alpha', 1))
  const outputs = kernel.value.shape[1]!
  const isBias = (w: Weight | undefined): w is Weight => w !== undefined && size(w) === outputs && w.value.shape.at(-1) === outputs
  const made = { op: 'ockham.Dense', kernel, bias: undefined, result: node.outputs[0]! } as const
  if (node.op === 'Gemm') {
    if (!node.inputs[2]) return made
    const bias = own(site, node.inputs[2])
    return isBias(bias) ? { ...made, bias: flat(scaled(bias, number(node, 'beta', 1))) } : undefined
  }
  const [tail, ...others] = site.readers.get(made.result) ?? []
  if (tail?.op !== 'Add' || others.length > 0 || made.result === site.output) return made
  const bias = own(
    site,
    tail.inputs.find((name) => name !== made.result),
  )
  return isBias(bias) ? { ...made, bias: flat(bias), result: tail.outputs[0]!, tail } : made
}

/** A bias that is no variable of its own stays an operand. */
function convolution(site: Site, node: OnnxNode): Found | undefined {
  const kernel = own(site, node.inputs[1])
  const bias = own(site, node.inputs[2])
  if (!kernel || site.weights.has(node.inputs[0]!)) return undefined
  // [out, in / groups, h, w] → [h, w, in / groups, out]; one axis fewer for sequences.
  const perm = kernel.value.shape.length === 4 ? [2, 3, 1, 0] : [2, 1, 0]
  const rest = node.inputs[2] && !bias ? [node.inputs[2]] : []
  return { op: 'ockham.Conv', kernel: turned(kernel, perm), bias: bias && flat(bias), rest, result: node.outputs[0]! }
}

const finders: Readonly<Record<string, (site: Site, node: OnnxNode) => Found | undefined>> = {
  Gemm: product,
  MatMul: product,
  'com.microsoft.FusedMatMul': product,
  Conv: convolution,
}

/** The name that the file has for a layer: by its weights, else by its node, else by its place among its like. */
const called = (node: OnnxNode, { op, kernel, bias }: Found, place: number): string =>
  moduleOf(kernel.from) ?? (bias && moduleOf(bias.from)) ?? moduleOfNode(node) ?? `${op === 'ockham.Conv' ? 'conv' : 'layer'}${place}`

export interface Layers {
  readonly steps: readonly Step[]
  /** `<layer>.kernel` [in, out] or [h, w, in / groups, out], `<layer>.bias` [out]. */
  readonly variables: ReadonlyMap<string, Weight>
}

/** Finds dense and convolutional layers. The last dense one is `head`, the others are called as the file calls them. */
export function layersOf(site: Site, names: Names): Layers {
  const found = new Map<OnnxNode, Found>()
  for (const node of site.nodes) {
    const layer = finders[node.op]?.(site, node)
    if (layer) found.set(node, layer)
  }
  const head = [...found].findLast(([, { op }]) => op === 'ockham.Dense')?.[0]
  const tails = new Set([...found.values()].flatMap(({ tail }) => (tail ? [tail] : [])))
  if (head) names.take('head')
  const variables = new Map<string, Weight>()
  const counts = { 'ockham.Dense': 0, 'ockham.Conv': 0 }
  const steps = site.nodes.flatMap((node): Step[] => {
    const layer = found.get(node)
    if (!layer) return tails.has(node) ? [] : [node]
    const name = node === head ? 'head' : names.take(called(node, layer, counts[layer.op]++))
    variables.set(`${name}.kernel`, layer.kernel)
    if (layer.bias) variables.set(`${name}.bias`, layer.bias)
    return [
      {
        ...node,
        op: layer.op,
        inputs: [node.inputs[0]!, ...(layer.rest ?? [])],
        outputs: [layer.result],
        layer: name,
        bias: layer.bias !== undefined,
      },
    ]
  })
  return { steps, variables }
}

/** Where the weights of a norm stand among its operands, and what they are called. */
const norms: Readonly<Record<string, readonly (string | undefined)[]>> = {
  BatchNormalization: [undefined, 'scale', 'bias', 'mean', 'variance'],
  InstanceNormalization: [undefined, 'scale', 'shift'],
  GroupNormalization: [undefined, 'scale', 'shift'],
  LayerNormalization: [undefined, 'scale', 'shift'],
}

/** What a weight that is read as it is will be called. */
export function variableName(node: OnnxNode, place: number, weight: Weight, weights: ReadonlyMap<string, Weight>): string {
  const part = norms[node.op]?.[place]
  const scale = weights.get(node.inputs[1] ?? '')
  const module = part && ((scale && moduleOf(scale.from)) ?? moduleOfNode(node))
  return module ? `${module}.${part}` : plainName(weight.from)
}

/** Running moments: told by the file, not learnt. */
export const isMoment = (node: OnnxNode, place: number): boolean => node.op === 'BatchNormalization' && place >= 3
