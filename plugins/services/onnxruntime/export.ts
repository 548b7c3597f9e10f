import { InputError, type Tensors, type Value, type Values } from 'ockham'
import * as ort from 'onnxruntime-node'
import { slotOf, type Graph, type Node } from '../engine/graph.js'
import { record } from '../engine/program.js'
import { dynamic, rowsName } from './dynamic.js'
import { checkRows, dataAs, Lowering, supports, typeOf } from './lower.js'
import { modelFile, Scope } from './model.js'
import type { GraphProto } from './proto.js'
import { rewrite } from './rewrite.js'

/** A traced function of named inputs [n, …] to be written as a file. */
export interface Exported {
  readonly fn: (x: Tensors) => Tensors
  /** Shape and type of one row of each input. */
  readonly inputs: Readonly<Record<string, Pick<Value, 'shape' | 'dtype'>>>
  /** Names for arrays that the function captures. */
  readonly names?: Values
  /** Rows that the file takes; any number where it is left out. */
  readonly rows?: number
  /** Written beside the graph for its readers. */
  readonly notes?: Readonly<Record<string, string>>
}

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const

const zeros = (rows: number, { shape, dtype }: Pick<Value, 'shape' | 'dtype'>): Value => ({
  shape: [rows, ...shape],
  dtype,
  data: new arrays[dtype](shape.reduce((a, b) => a * b, rows)),
})

/** What leaves the graph cannot be in a file. */
function checkWhole(nodes: readonly Node[]): void {
  checkRows(nodes)
  const calls = nodes.filter((n) => n.op === 'Host')
  if (calls.length === 0) return
  throw new InputError(
    calls.map((n) => ({
      code: 'OCK-ORT-008',
      what: 'the function calls code of the host, which a file cannot hold',
      ...(n.line === undefined ? {} : { where: n.line }),
      remedy: 'compute it from tensor operations, or export a posterior that does',
    })),
  )
}

/** The ONNX graph of the function at so many rows. */
function graphAt({ fn, inputs, names = {} }: Exported, rows: number): GraphProto {
  const x = Object.fromEntries(Object.entries(inputs).map(([name, like]) => [name, zeros(rows, like)]))
  const traced: Graph = rewrite(record((a: { x: Tensors }) => fn(a.x), { x }, 'float32', supports).graph)
  checkWhole(traced.nodes)
  const known = new Map(Object.entries(names).map(([name, { data }]) => [data as object, name]))
  const taken = new Set<string>()
  const scope = new Scope('predictive')
  const lowering = new Lowering()
  const bind = (node: Node): string => {
    const ref = { node, index: 0 }
    const { source } = node
    if (source?.kind === 'argument') return scope.input(source.path.slice('x.'.length), typeOf(ref), slotOf(ref).shape)
    if (source?.kind !== 'capture') throw drawn()
    const { shape, dtype } = source.value
    const name = known.get(source.value.data)
    const free = name !== undefined && !taken.has(name) ? name : scope.fresh('captured')
    taken.add(free)
    return scope.named(free, dtype, shape, dataAs(source.value, dtype))
  }
  for (const node of traced.inputs) lowering.bind({ node, index: 0 }, bind(node), scope)
  for (const node of traced.nodes) if (node.op !== 'Input') lowering.add(node, scope)
  const results = traced.outputs.map(({ name, ref }) => [
    name,
    scope.output(lowering.as(ref, typeOf(ref), scope), typeOf(ref), slotOf(ref).shape),
  ])
  return renamed(scope.graph(), new Map(results as [string, string][]))
}

const drawn = (): InputError =>
  new InputError({
    code: 'OCK-ORT-009',
    what: 'the function draws random numbers at every call, which a file cannot',
    remedy: 'draw before, and capture what was drawn',
  })

/** The graph with its outputs under the names that the function gave them. */
function renamed(graph: GraphProto, outputs: ReadonlyMap<string, string>): GraphProto {
  const names = new Map([...outputs].map(([name, made]) => [made, name]))
  const of = (name: string): string => names.get(name) ?? name
  return {
    ...graph,
    node: graph.node.map((n) => ({ ...n, input: n.input.map(of), output: n.output.map(of) })),
    output: graph.output.map((o) => ({ ...o, name: of(o.name) })),
  }
}

/**
 * Numbers of rows that the function is traced at to find out how the graph depends on them: three suffice to see a line and to check it.
 * Many rows first, as then convolutions are single operations.
 */
const trials = [
  [4093, 4099, 4111],
  [251, 257, 263],
  [11, 13, 17],
] as const

/**
 * A traced function as the bytes of an `.onnx` file that takes any number of rows, or `rows`. Throws `OCK-ORT-008` for host calls, `-009` for
 * draws, `-010` where the graph depends on the number of rows in no way that a file can say.
 */
export function exported(what: Exported): Uint8Array {
  if (what.rows !== undefined) return modelFile(graphAt(what, what.rows), what.notes)
  for (const rows of trials) {
    const graph = dynamic(
      rows,
      rows.map((n) => graphAt(what, n)),
    )
    if (graph) return modelFile(graph, what.notes)
  }
  throw new InputError({
    code: 'OCK-ORT-010',
    what: `the graph is another for another number of ${rowsName}`,
    where: 'export',
    remedy: 'fix how many rows a call takes: --batch 64',
  })
}

/** Runs a file in ONNX Runtime as anybody would, on named inputs. */
export async function runFile(file: Uint8Array, inputs: Values): Promise<Values> {
  const session = await ort.InferenceSession.create(file)
  try {
    const feeds = Object.entries(inputs).map(([name, v]) => [name, new ort.Tensor(v.dtype, v.data as Float32Array, v.shape)] as const)
    const results = await session.run(Object.fromEntries(feeds))
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => [name, { shape: [...t.dims], dtype: t.type as 'float32', data: t.data as Float32Array }]),
    )
  } finally {
    await session.release()
  }
}
