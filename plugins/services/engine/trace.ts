import type { Precision, TypedArray, Value } from 'ockham'
import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Tensor } from './tensor.js'
import { refusal } from './errors.js'
import type { Draw, Ref, Slot, Source } from './graph.js'
import { slotOf } from './graph.js'
import { Mark } from './line.js'
import { GraphNode, type Fields } from './node.js'
import { cast, dataOf, sameData } from './values.js'

/** The recording of one traced function. */
export class Trace {
  readonly nodes: GraphNode[] = []
  /** False once the function has returned. */
  live = true
  /** Changed inside `engine.double`. */
  precision: Precision
  /** What the function did that cannot be, where throwing would have been swallowed by a promise. */
  refused?: Error
  /** Data that the function made itself, all of it known while tracing. */
  readonly owned = new WeakSet<object>()
  /** Tensors that tfjs keeps for gradients. */
  readonly kept: Tensor[] = []
  /** What is to be printed when the program has run. */
  readonly prints: { readonly name: string; readonly ref: Ref }[] = []
  readonly #constants = new WeakMap<object, { readonly slot: Slot; readonly ref: Ref }[]>()
  readonly #captures = new Map<TypedArray, { readonly slot: Slot; readonly ref: Ref }[]>()
  readonly #draws = new Map<string, Ref>()

  constructor(
    /** Precision of the whole program. */
    readonly program: Precision,
    readonly supports: (op: string) => boolean,
  ) {
    this.precision = program
  }

  add(op: string, inputs: readonly Ref[], outputs: readonly Slot[], extra: Partial<Fields> = {}): GraphNode {
    const fields = { id: this.nodes.length, op, inputs, attrs: {}, outputs, precision: this.precision, ...extra }
    const node = new GraphNode(fields, new Mark())
    this.nodes.push(node)
    return node
  }

  /** Inputs belong to the program, whatever region asks for them first. */
  input(source: Source, slot: Slot): Ref {
    return { node: this.add('Input', [], [slot], { source, precision: this.program }), index: 0 }
  }

  /** A host value bound by reference; the same array twice is one input. */
  capture(value: Value): Ref {
    const kept = cast(value, this.program)
    const slot: Slot = { shape: [...kept.shape], dtype: kept.dtype === 'float64' ? 'float32' : kept.dtype }
    const known = this.#captures.get(value.data) ?? []
    const found = known.find((c) => alike(c.slot, slot))
    if (found) return found.ref
    const ref = this.input({ kind: 'capture', value: kept }, slot)
    this.#captures.set(value.data, [...known, { slot, ref }])
    return ref
  }

  /** A draw of a traced key; the same draw twice is one input. */
  draw(key: string, path: readonly (string | number)[], draw: Draw, slot: Slot): Ref {
    const name = JSON.stringify([key, path, draw])
    const found = this.#draws.get(name)
    if (found) return found
    const ref = this.input({ kind: 'draw', key, path, draw }, slot)
    this.#draws.set(name, ref)
    return ref
  }

  /** Data known while tracing, as a node: `Fill` where all of it is one number. */
  constant(info: TensorInfo, read: () => ArrayLike<number>): Ref {
    const slot: Slot = { shape: [...info.shape], dtype: info.dtype as Slot['dtype'] }
    const known = this.#constants.get(info.dataId) ?? []
    const found = known.find((c) => alike(c.slot, slot))
    if (found) return found.ref
    const data = dataOf(slot.dtype, read())
    const uniform = data.length > 8 && this.supports('Fill') && sameData(data)
    const node = uniform
      ? this.add('Fill', [], [slot], { attrs: { shape: slot.shape, value: data[0], dtype: slot.dtype }, precision: this.program })
      : this.add('Constant', [], [slot], { value: { ...slot, data }, precision: this.program })
    const ref = { node, index: 0 }
    this.#constants.set(info.dataId, [...known, { slot, ref }])
    return ref
  }
}

const alike = (a: Slot, b: Slot): boolean =>
  a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((n, i) => n === b.shape[i])

let active: Trace | undefined

/** The trace that is being recorded, if any. */
export const current = (): Trace | undefined => active

/** Sets it; returns what undoes that. */
export function activate(trace: Trace): () => void {
  if (active) throw refusal('016', 'a traced function cannot start another trace', 'call the program, or advance the loop, outside')
  active = trace
  return () => {
    active = undefined
    trace.live = false
  }
}

/** What stands behind symbolic tensors. Never cleared: a disposed handle still says which node it was. */
export const symbols = new WeakMap<object, { readonly trace: Trace; readonly ref: Ref }>()

/** A tensor info that stands for a node's result. */
export function symbol(trace: Trace, ref: Ref): TensorInfo {
  const { shape, dtype } = slotOf(ref)
  const dataId = {}
  symbols.set(dataId, { trace, ref })
  return { dataId, shape: [...shape], dtype }
}
