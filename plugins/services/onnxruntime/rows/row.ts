import type { Node, Slot } from '../../engine/graph.js'
import type { Attributes, ElementType, Scope } from '../model.js'

/** The element type of a slot where floats are `float`. */
export const elementType = (dtype: Slot['dtype'], float: Float): ElementType => (dtype === 'float32' ? float : dtype)
export type Float = 'float32' | 'float64'

/** How a kernel is written in ONNX: adds nodes and returns the name of its result, or of its results. */
export type Row = (call: Call) => string | readonly string[]
export type Rows = Readonly<Record<string, Row>>

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const

/** One kernel to be lowered: its operands by name, and the scope its nodes go to. */
export class Call {
  constructor(
    readonly node: Node,
    /** Names of the operands; floats are already of type `float`. */
    readonly x: readonly string[],
    readonly float: Float,
    readonly scope: Scope,
  ) {}

  /** Slot of operand `i`. */
  of(i: number): Slot {
    const ref = this.node.inputs[i]!
    return ref.node.outputs[ref.index]!
  }

  get out(): Slot {
    return this.node.outputs[0]!
  }

  get outType(): ElementType {
    return elementType(this.out.dtype, this.float)
  }

  typeOf(i: number): ElementType {
    return elementType(this.of(i).dtype, this.float)
  }

  attr<T>(name: string): T {
    return this.node.attrs[name] as T
  }

  emit(op: string, inputs: readonly string[], attrs: Attributes = {}): string {
    return this.many(op, inputs, 1, attrs)[0]!
  }

  many(op: string, inputs: readonly string[], count: number, attrs: Attributes = {}): readonly string[] {
    return this.scope.emit(op, inputs, attrs, count, `${this.node.op}.${this.node.id}`)
  }

  constant(type: Exclude<ElementType, 'int64'>, values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.scope.constant(type, shape, arrays[type].from(values))
  }

  scalar(value: number, type: Exclude<ElementType, 'int64'> = this.float): string {
    return this.constant(type, [value], [])
  }

  /** An int64 vector: axes, shapes, pads. */
  ints(values: readonly number[]): string {
    return this.scope.constant('int64', [values.length], BigInt64Array.from(values, BigInt))
  }

  cast(x: string, from: ElementType, to: ElementType): string {
    return from === to ? x : this.emit('Cast', [x], { to: elementNumber[to] })
  }

  /** Operand `i` as `type`. */
  as(i: number, type: ElementType): string {
    return this.cast(this.x[i]!, this.typeOf(i), type)
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.emit('Reshape', [x, this.ints(shape)], shape.includes(0) ? { allowzero: 1 } : {})
  }

  /** `value` everywhere, in the given shape. */
  fill(value: number, shape: readonly number[], type: Exclude<ElementType, 'int64'>): string {
    return this.emit('Expand', [this.scalar(value, type), this.ints(shape)])
  }
}

const elementNumber = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const

/** Axes as non-negative numbers; none given means all of them. */
export const axesOf = (axis: number | readonly number[] | null | undefined, rank: number): number[] => {
  const given = axis === null || axis === undefined ? Array.from({ length: rank }, (_, i) => i) : typeof axis === 'number' ? [axis] : axis
  return given.map((a) => (a < 0 ? a + rank : a))
}
