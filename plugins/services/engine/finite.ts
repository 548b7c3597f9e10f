import { RunError, type Precision, type Value, type Values } from 'ockham'
import type { Executor } from './executor.js'
import { sizeOf, type Graph, type Node, type Ref, type Slot } from './graph.js'
import { GraphNode } from './node.js'

export const isFinite = (values: readonly Value[]): boolean =>
  values.every(({ dtype, data }) => (dtype !== 'float32' && dtype !== 'float64') || data.every(Number.isFinite))

/** Whether each float result of a graph is finite, as outputs, before the graph's own. */
function probed(graph: Graph): { readonly graph: Graph; readonly refs: readonly Ref[] } {
  const refs = graph.nodes.flatMap((node) =>
    node.op === 'Fill'
      ? []
      : node.outputs.flatMap((slot, index) => (slot.dtype === 'float32' && sizeOf(slot.shape) > 0 ? [{ node, index }] : [])),
  )
  const nodes = [...graph.nodes] as GraphNode[]
  let id = Math.max(0, ...nodes.map((n) => n.id))
  const add = (op: string, x: Ref, slot: Slot, attrs: Node['attrs'], precision: Precision): Ref => {
    const node = new GraphNode({ id: ++id, op, inputs: [x], attrs, outputs: [slot], precision })
    nodes.push(node)
    return { node, index: 0 }
  }
  const flags = refs.map((ref, i) => {
    const [n, precision] = [sizeOf(ref.node.outputs[ref.index]!.shape), ref.node.precision]
    const flat = add('Reshape', ref, { shape: [n], dtype: 'float32' }, { shape: [n] }, precision)
    const finite = add('IsFinite', flat, { shape: [n], dtype: 'bool' }, {}, precision)
    return { name: `finite.${i}`, ref: add('All', finite, { shape: [], dtype: 'bool' }, { axis: [0], keepDims: false }, precision) }
  })
  return { graph: { nodes, inputs: graph.inputs, outputs: [...flags, ...graph.outputs] }, refs }
}

const named = ({ source }: Node): string =>
  source?.kind === 'argument'
    ? `argument ${source.path}`
    : source && 'name' in source
      ? `${source.kind} ${source.name}`
      : (source?.kind ?? 'input')

const say = (ref: Ref): string => `${ref.node.outputs[ref.index]!.dtype} [${ref.node.outputs[ref.index]!.shape.join(', ')}]`

function report({ node, index }: Ref, step: number | undefined): RunError {
  const when = step === undefined ? '' : ` in step ${step}`
  const source = node.op === 'Input'
  return new RunError({
    code: 'OCK-ENGINE-022',
    what: source
      ? `${named(node)} is not finite${when}`
      : `${node.op} of ${node.inputs.map(say).join(', ')} is the first whose result ${say({ node, index })} is not finite${when}`,
    ...(!source && node.line !== undefined && { where: node.line }),
    remedy: source
      ? 'look at where it comes from'
      : 'its operands are finite: keep them where the operation is defined, or lower the learning rate',
  })
}

/**
 * Makes a call again, step by step, and finds the first operation whose result is not finite while its operands are. `steps` are the
 * values of the inputs that are neither capture nor carry, in order. Nothing where all is finite.
 */
export async function blame(
  executor: Executor,
  graph: Graph,
  precision: Precision,
  call: { readonly carry: Values; readonly steps: readonly (readonly Value[])[]; readonly start?: number },
): Promise<RunError | undefined> {
  const probe = probed(graph)
  const program = await executor.compile(probe.graph, precision)
  try {
    let carry = call.carry
    for (const [i, step] of call.steps.entries()) {
      const rest = [...step]
      const inputs = graph.inputs.flatMap(({ source }) =>
        source!.kind === 'capture' ? [] : [source!.kind === 'carry' ? carry[source!.name]! : rest.shift()!],
      )
      const outputs = await program.run(inputs)
      const bad = probe.refs.find((_, j) => outputs[j]!.data[0] === 0)
      if (bad) return report(bad, call.start === undefined ? undefined : call.start + i)
      carry = { ...carry, ...carried(graph, outputs.slice(probe.refs.length)) }
    }
    return undefined
  } finally {
    program.dispose()
  }
}

const carried = (graph: Graph, outputs: readonly Value[]): Values =>
  Object.fromEntries(
    graph.outputs.flatMap(({ name }, i) => (name.startsWith('carry.') ? [[name.slice('carry.'.length), outputs[i]!]] : [])),
  )
