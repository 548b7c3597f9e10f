import { slotOf } from '../engine/graph.js'
import type { Graph, Node, Ref } from '../engine/graph.js'
import { stepInputs } from '../engine/executor.js'
import { Lowering, typeOf } from './lower.js'
import { Scope } from './model.js'
import type { ElementType } from './model.js'

/** A state of the loop that changes: the input a step reads, and what it becomes. */
export interface State {
  readonly name: string
  readonly node: Node
  readonly next: Ref
}

/** How a step's graph falls apart: what changes from step to step, what does not. */
export interface Anatomy {
  readonly states: readonly State[]
  /** Carry that a step hands on untouched: bound like a capture, never copied. */
  readonly kept: readonly { readonly name: string; readonly node: Node }[]
  readonly steps: readonly Node[]
  readonly outs: readonly { readonly name: string; readonly ref: Ref }[]
  /** Nodes that depend on captures, constants and kept carry alone: computed once a call. */
  readonly invariant: ReadonlySet<Node>
}

const self = (node: Node): Ref => ({ node, index: 0 })

export function anatomy(graph: Graph): Anatomy {
  const named = (prefix: string) =>
    graph.outputs.flatMap(({ name, ref }) => (name.startsWith(prefix) ? [{ name: name.slice(prefix.length), ref }] : []))
  const next = new Map(named('carry.').map(({ name, ref }) => [name, ref]))
  const carried = graph.inputs.flatMap((node) => (node.source?.kind === 'carry' ? [{ name: node.source.name, node }] : []))
  const changes = ({ name, node }: { name: string; node: Node }): boolean => {
    const ref = next.get(name)
    return ref !== undefined && ref.node !== node
  }
  const kept = carried.filter((c) => !changes(c))
  const still = new Set<Node>(kept.map((c) => c.node))
  const invariant = new Set<Node>()
  for (const node of graph.nodes) {
    const fixed =
      node.op === 'Input' ? node.source?.kind === 'capture' || still.has(node) : node.inputs.every((ref) => invariant.has(ref.node))
    if (fixed) invariant.add(node)
  }
  return {
    states: carried.filter(changes).map(({ name, node }) => ({ name, node, next: next.get(name)! })),
    kept,
    steps: stepInputs(graph),
    outs: named('out.'),
    invariant,
  }
}

/** A loop as one model, and the names its tensors have there. */
export interface LoopModel {
  readonly model: Uint8Array
  readonly nodes: number
  /** Captures and kept carry. */
  readonly fixed: readonly { readonly node: Node; readonly input: string }[]
  readonly states: readonly { readonly state: State; readonly input: string; readonly output: string }[]
  /** Inputs of one step stacked, [k, …]; without a node, a counter that only says how many steps there are. */
  readonly steps: readonly { readonly node?: Node; readonly input: string }[]
  readonly outs: readonly { readonly name: string; readonly ref: Ref; readonly output: string }[]
  /** Validity of the inverses: one a step, or one a call. */
  readonly flags: readonly string[]
}

const length = 'steps'

/**
 * Writes k steps as one ONNX `Scan`: states go round, the inputs of each step are read in place from their stack, outputs are
 * written to theirs. (`Loop` does the same with a copy of each input a step; measured slower.)
 */
export function loopModel(graph: Graph, parts: Anatomy): LoopModel {
  const main = new Scope('main')
  const body = new Scope('step', main)
  const lowering = new Lowering()
  const shape = (node: Node): readonly number[] => node.outputs[0]!.shape
  const type = (node: Node): ElementType => typeOf(self(node))

  const captured = graph.inputs.filter((n) => n.source?.kind === 'capture')
  const fixed = [...captured, ...parts.kept.map((k) => k.node)].map((node) => {
    const input = main.input(main.fresh('fixed'), type(node), shape(node))
    lowering.bind(self(node), input, main)
    return { node, input }
  })
  const states = parts.states.map((state) => {
    lowering.bind(self(state.node), body.input(body.fresh('state'), type(state.node), shape(state.node)), body)
    return { state, input: main.input(main.fresh('initial'), type(state.node), shape(state.node)) }
  })
  const sliced = parts.steps.length > 0 ? parts.steps : [undefined]
  const steps = sliced.map((node) => {
    const [t, s] = node ? [type(node), shape(node)] : (['float32', []] as const)
    const slice = body.input(body.fresh('slice'), t, s)
    if (node) lowering.bind(self(node), slice, body)
    return { ...(node && { node }), input: main.input(main.fresh('stack'), t, [length, ...s]) }
  })

  for (const node of graph.nodes) {
    if (node.op !== 'Input') lowering.add(node, parts.invariant.has(node) ? main : body)
  }

  for (const { state } of states) body.output(lowering.as(state.next, type(state.node), body), type(state.node), shape(state.node))
  for (const { ref } of parts.outs) body.output(lowering.as(ref, typeOf(ref), body), typeOf(ref), slotOf(ref).shape)
  const inside = lowering.flags.filter((flag) => flag.scope === body)
  for (const flag of inside) body.output(flag.name, 'bool', [])

  const inputs = [...states.map((s) => s.input), ...steps.map((s) => s.input)]
  const count = states.length + parts.outs.length + inside.length
  const results = main.emit('Scan', inputs, { body: { graph: body.graph() }, num_scan_inputs: steps.length }, count, 'Scan')
  const give = (i: number, t: ElementType, s: readonly (number | string)[]): string => main.output(results[i]!, t, s)
  const outputs = states.map(({ state }, i) => give(i, type(state.node), shape(state.node)))
  const outs = parts.outs.map(({ name, ref }, i) => ({
    name,
    ref,
    output: give(states.length + i, typeOf(ref), [length, ...slotOf(ref).shape]),
  }))
  const flags = [
    ...inside.map((_, i) => give(states.length + outs.length + i, 'bool', [length])),
    ...lowering.flags.filter((flag) => flag.scope === main).map((flag) => main.output(flag.name, 'bool', [])),
  ]
  return {
    model: main.model(),
    nodes: main.size + body.size,
    fixed,
    states: states.map((s, i) => ({ ...s, output: outputs[i]! })),
    steps,
    outs,
    flags,
  }
}
