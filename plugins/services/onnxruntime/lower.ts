import { InputError } from 'ockham'
import type { Value } from 'ockham'
import { slotOf } from '../engine/graph.js'
import type { Node, Ref } from '../engine/graph.js'
import { blocksOp } from './blocks.js'
import type { Chain } from './blocks.js'
import { Scope } from './model.js'
import type { ConstantData, ElementType } from './model.js'
import { same } from './rules.js'
import { Call, elementType, inverse, rows } from './rows/index.js'
import type { Float } from './rows/index.js'

/** Ops that are no kernels of the table, but that this executor runs. */
const structural = new Set(['Input', 'Constant', 'Inverse', 'Host', blocksOp])
export const supports = (op: string): boolean => rows.has(op) || structural.has(op)

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const
export type HostType = keyof typeof arrays

/** The data of a Value as an array of the given type; the same array where it is one already. */
export const dataAs = (value: Value, type: HostType): ConstantData =>
  value.dtype === type ? value.data : arrays[type].from(value.data as Float32Array)

/** Type that result `index` of a node has in the model. */
export const typeOf = (ref: Ref): ElementType => {
  const { node } = ref
  if (node.source?.kind === 'capture') return node.source.value.dtype
  return elementType(slotOf(ref).dtype, node.precision)
}

/** Every kernel without a row, in one error. */
export function checkRows(nodes: readonly Node[]): void {
  const missing = new Map(nodes.filter((n) => !supports(n.op)).map((n) => [n.op, n]))
  if (missing.size === 0) return
  throw new InputError(
    [...missing.values()].map((n) => ({
      code: 'OCK-ORT-001',
      what: `ONNX Runtime's table has no row for the kernel ${n.op}`,
      ...(n.line === undefined ? {} : { where: n.line }),
      remedy: 'write it with other operations, or run on the portable engine',
    })),
  )
}

/** Writes nodes of a graph into scopes and knows under which names their results are. */
export class Lowering {
  readonly #names = new Map<Node, readonly string[]>()
  readonly #homes = new Map<Node, Scope>()
  /** Names of the validity flags of the inverses, bool scalars. */
  readonly flags: { readonly name: string; readonly scope: Scope }[] = []

  /** Says where a value that is not computed here is found: an input, or the result of another segment. */
  bind(ref: Ref, name: string, scope: Scope): void {
    const names = [...(this.#names.get(ref.node) ?? [])]
    names[ref.index] = name
    this.#names.set(ref.node, names)
    this.#homes.set(ref.node, scope)
  }

  knows(ref: Ref): boolean {
    return this.#names.get(ref.node)?.[ref.index] !== undefined
  }

  /** Name of a value as `type`, for use in `scope`. */
  as(ref: Ref, type: ElementType, scope: Scope): string {
    if (ref.node.op === 'Constant') return this.#constant(ref.node, type as HostType, scope)
    const [name, from] = [this.#names.get(ref.node)![ref.index]!, typeOf(ref)]
    if (from === type) return name
    const home = this.#homes.get(ref.node)!
    return new Call(ref.node, [], 'float32', home).cast(name, from, type)
  }

  /** Adds the ONNX nodes of one node of the graph. */
  add(node: Node, scope: Scope): void {
    if (node.op === 'Constant') return
    if (node.op === blocksOp) {
      this.#homes.set(node, scope)
      this.#names.set(node, this.#blocks(node, scope))
      return
    }
    const float: Float = node.precision
    const call = new Call(
      node,
      node.inputs.map((ref) => this.as(ref, elementType(slotOf(ref).dtype, float), scope)),
      float,
      scope,
    )
    this.#homes.set(node, scope)
    if (node.op === 'Inverse') {
      const { value, valid } = inverse(call)
      this.flags.push({ name: valid, scope })
      this.#names.set(node, [value])
      return
    }
    const results = rows.get(node.op)!(call)
    this.#names.set(node, typeof results === 'string' ? [results] : results)
  }

  /** A chain as a `Scan` over blocks: those of its operands are read in place, those of its results written in place. */
  #blocks(node: Node, scope: Scope): readonly string[] {
    const { blocks, operands, members, results } = node.attrs['chain'] as Chain
    const [inner, body] = [new Lowering(), new Scope('block', scope)]
    const outer = new Call(node, [], node.precision, scope)
    const stacks: string[] = []
    operands.forEach((operand, i) => {
      const [ref, seen] = [{ node: operand.node, index: 0 }, slotOf({ node: operand.node, index: 0 })]
      const type = elementType(seen.dtype, node.precision)
      const shape = operand.whole ? seen.shape : [blocks, ...seen.shape]
      const given = this.as(node.inputs[i]!, type, scope)
      const name = same(slotOf(node.inputs[i]!).shape, shape) ? given : outer.reshape(given, shape)
      if (!operand.whole) stacks.push(name)
      inner.bind(ref, operand.whole ? name : body.input(body.fresh('block'), type, seen.shape), operand.whole ? scope : body)
    })
    for (const member of members) inner.add(member, body)
    for (const result of results) {
      const { dtype, shape } = result.outputs[0]!
      body.output(inner.as({ node: result, index: 0 }, elementType(dtype, node.precision), body), elementType(dtype, node.precision), shape)
    }
    const attrs = { body: { graph: body.graph() }, num_scan_inputs: stacks.length }
    const made = scope.emit('Scan', stacks, attrs, results.length, `Scan.${node.id}`)
    return made.map((name, i) => outer.reshape(name, node.outputs[i]!.shape))
  }

  #constant(node: Node, type: HostType, scope: Scope): string {
    return scope.constant(type, node.outputs[0]!.shape, dataAs(node.value!, type))
  }
}
