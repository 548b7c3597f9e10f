import { repeated, type Repeated } from './repeated.js'
import { dataType, type GraphProto, type NodeProto, type TensorProto, type ValueInfoProto } from './proto.js'

/** Name of the open axis. */
export const rowsName = 'rows'

interface Made {
  readonly initializer: readonly TensorProto[]
  readonly node: readonly NodeProto[]
}

type Three<T> = readonly [T, T, T]

const longs = ({ rawData }: TensorProto): bigint[] => {
  const bytes = rawData!.slice()
  return [...new BigInt64Array(bytes.buffer, 0, bytes.length / 8)]
}

const sameBytes = (a: TensorProto, b: TensorProto): boolean => Buffer.compare(a.rawData!, b.rawData!) === 0

/** A list of sizes as slope · rows + offset, whole numbers; undefined where it is no such thing. */
function lineOf(rows: Three<number>, tensors: Three<TensorProto>): { readonly slope: bigint[]; readonly offset: bigint[] } | undefined {
  if (tensors[0].dataType !== dataType.int64) return undefined
  const [a, b, c] = tensors.map(longs) as [bigint[], bigint[], bigint[]]
  const [n, m, l] = rows.map(BigInt) as [bigint, bigint, bigint]
  if (a.length !== b.length || a.length !== c.length) return undefined
  const slope = a.map((x, i) => (b[i]! - x) / (m - n))
  const offset = a.map((x, i) => x - slope[i]! * n)
  const holds = (values: bigint[], at: bigint): boolean => values.every((x, i) => x === slope[i]! * at + offset[i]!)
  return holds(b, m) && holds(c, l) ? { slope, offset } : undefined
}

const listOf = (name: string, values: readonly bigint[]): TensorProto => ({
  name,
  dims: [values.length],
  dataType: dataType.int64,
  rawData: new Uint8Array(BigInt64Array.from(values).buffer),
})

const node = (opType: string, input: readonly string[], output: string, attribute: NodeProto['attribute'] = []): NodeProto => ({
  name: output,
  opType,
  domain: '',
  input,
  output: [output],
  attribute,
})

/** Nodes that compute the sizes slope · rows + offset under a name. */
const sizes = (name: string, slope: readonly bigint[], offset: readonly bigint[]): Made => ({
  initializer: [listOf(`${name}_slope`, slope), listOf(`${name}_offset`, offset)],
  node: [node('Mul', [`${name}_slope`, rowsName], `${name}_product`), node('Add', [`${name}_product`, `${name}_offset`], name)],
})

/** Nodes that repeat a block as often as there are rows. */
function repetition(name: string, { order, block }: Repeated): Made {
  const [r, ...rest] = block.dims.map(BigInt) as [bigint, ...bigint[]]
  const ones = rest.map(() => 1n)
  if (order === 'block') {
    const times = sizes(`${name}_times`, [1n, ...rest.map(() => 0n)], [0n, ...ones])
    return { initializer: [block, ...times.initializer], node: [...times.node, node('Tile', [block.name!, `${name}_times`], name)] }
  }
  const wide = sizes(`${name}_wide`, [0n, 1n, ...rest.map(() => 0n)], [r, 0n, ...rest])
  const shape = listOf(`${name}_shape`, [-1n, ...rest])
  const apart = { ...block, dims: [block.dims[0]!, 1, ...block.dims.slice(1)] }
  return {
    initializer: [apart, shape, ...wide.initializer],
    node: [
      ...wide.node,
      node('Expand', [block.name!, `${name}_wide`], `${name}_apart`),
      node('Reshape', [`${name}_apart`, shape.name!], name),
    ],
  }
}

/** A description whose axes that change are open; the first is called `rows`. */
function opened(infos: Three<ValueInfoProto>): ValueInfoProto {
  const shapes = infos.map(({ type }) => type.tensorType.shape.dim as readonly { readonly dimValue?: number }[])
  const dim = shapes[0]!.map((d, i) => {
    const fixed = shapes.every((s) => s[i]?.dimValue === d.dimValue)
    return fixed ? { dimValue: d.dimValue! } : { dimParam: i === 0 ? rowsName : `${infos[0].name}_${i}` }
  })
  const { name, type } = infos[0]
  return { name, type: { tensorType: { ...type.tensorType, shape: { dim } } } }
}

/** Whether a size that is left open, as −1, says as much: one alone, of reshapes. */
const leavable = (name: string, slope: readonly bigint[], nodes: readonly NodeProto[]): boolean =>
  slope.filter((s) => s !== 0n).length === 1 && nodes.every(({ opType, input }) => !input.includes(name) || opType === 'Reshape')

const columns = <T>(lists: Three<readonly T[]>): Three<T>[] => lists[0].map((x, i) => [x, lists[1][i]!, lists[2][i]!])

/** What stands for a constant at any number of rows; undefined where it depends on them in another way. */
function open(rows: Three<number>, tensors: Three<TensorProto>, nodes: readonly NodeProto[]): Made | undefined {
  const [t, ...others] = tensors
  if (others.every((o) => sameBytes(t, o) && String(o.dims) === String(t.dims))) return { initializer: [t], node: [] }
  const line = lineOf(rows, tensors)
  if (line && leavable(t.name!, line.slope, nodes)) {
    const left = line.slope.map((s, i) => (s === 0n ? line.offset[i]! : -1n))
    return { initializer: [listOf(t.name!, left)], node: [] }
  }
  if (line) return sizes(t.name!, line.slope, line.offset)
  const block = repeated(rows, tensors)
  return block && repetition(t.name!, block)
}

/**
 * One graph for any number of rows, from three at different numbers. They must have the same operations. Sizes in which they differ must be
 * lines in the number of rows, and are computed from the first axis of the first input; other constants must repeat a block. Undefined where
 * that is not so.
 */
export function dynamic(rows: Three<number>, graphs: readonly GraphProto[]): GraphProto | undefined {
  const three = graphs as Three<GraphProto>
  const [first] = three
  const text = three.map((g) => JSON.stringify([g.node, g.initializer.map((t) => t.name)]))
  if (text[1] !== text[0] || text[2] !== text[0]) return undefined
  const constants = columns(three.map((g) => g.initializer) as unknown as Three<readonly TensorProto[]>)
  const opens = constants.map((tensors) => open(rows, tensors, first.node))
  if (opens.some((made) => !made)) return undefined
  const initializer = opens.flatMap((made) => made!.initializer)
  const made = opens.flatMap((o) => o!.node)
  const shape = node('Shape', [first.input[0]!.name], rowsName, [
    { name: 'start', type: 2, i: 0 },
    { name: 'end', type: 2, i: 1 },
  ])
  return {
    name: first.name,
    node: made.length > 0 ? [shape, ...made, ...first.node] : first.node,
    initializer,
    input: columns(three.map((g) => g.input) as unknown as Three<readonly ValueInfoProto[]>).map(opened),
    output: columns(three.map((g) => g.output) as unknown as Three<readonly ValueInfoProto[]>).map(opened),
  }
}
