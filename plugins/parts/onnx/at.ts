import type { Call, Variables } from 'ockham'
import { tf, type Tensor, type Tensor4D } from 'ockham/tensor'
import { quoted, refusal } from './faults.js'
import type { Step } from './layers.js'

/** A value on its way through the graph. */
export interface Held {
  readonly tensor: Tensor
  /** Whether an image [n, c, h, w] of the graph is held as [n, h, w, c], as tfjs wants it. */
  readonly last: boolean
  /** Whether its numbers are known while tracing: sizes, places, constants. */
  readonly known: boolean
}

export type Result = Held | Tensor | readonly Tensor[]
/** How an operator of ONNX is said in tfjs. */
export type Op = (at: At) => Result
export type Ops = Readonly<Record<string, Op>>

const toLast = [0, 2, 3, 1]
const toFirst = [0, 3, 1, 2]

/** Channels first to last; where the image is one pixel that is a reshape. */
export function channelsLast(x: Tensor): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number]
  return h === 1 && w === 1 ? x.reshape([n, 1, 1, c]) : x.transpose(toLast)
}

/** Channels last to first. */
export function channelsFirst(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number]
  return h === 1 && w === 1 ? x.reshape([n, c, 1, 1]) : x.transpose(toFirst)
}

/** What all operations of a pass share. */
export interface Around {
  readonly file: string
  readonly opset: number
  readonly vars: Variables
  readonly call: Call
  /** Rows of the input, and the number that the file was exported with where that is fixed. */
  readonly rows: { readonly now: number; readonly then: number | undefined }
}

/** One operation with its operands. */
export class At {
  constructor(
    readonly step: Step,
    readonly held: readonly (Held | undefined)[],
    readonly around: Around,
  ) {}

  get opset(): number {
    return this.around.opset
  }

  refuse(what: string, remedy: string, code = 10): Error {
    return refusal(code, `${this.step.op}: ${what}`, `${this.around.file}, node ${quoted(this.step.name)}`, remedy)
  }

  has(i: number): boolean {
    return this.held[i] !== undefined
  }

  of(i: number): Held {
    const found = this.held[i]
    if (!found) throw this.refuse(`operand ${i} is missing`, 'export the network again', 4)
    return found
  }

  /** Operand as the graph has it. */
  x(i: number): Tensor {
    const { tensor, last } = this.of(i)
    return last ? channelsFirst(tensor) : tensor
  }

  /** Operand [n, c, h, w] as [n, h, w, c]. */
  image(i: number): Tensor4D {
    const { tensor, last } = this.of(i)
    if (tensor.rank !== 4) throw this.refuse(`the operand is [${tensor.shape}], not images`, 'export a network of images or flat inputs')
    return (last ? tensor : channelsLast(tensor)) as Tensor4D
  }

  /** Numbers of an operand that must be known while tracing. */
  numbers(i: number): number[] {
    const { tensor, known } = this.of(i)
    if (known) return Array.from(tensor.dataSync())
    throw this.refuse(`operand ${i} follows from the data, and shapes here do not`, 'export the network with fixed sizes', 9)
  }

  attr<T>(name: string): T | undefined {
    return this.step.attrs.get(name) as T | undefined
  }

  int(name: string, otherwise: number): number {
    return this.attr<number>(name) ?? otherwise
  }

  ints(name: string): readonly number[] | undefined {
    return this.attr<readonly number[]>(name)
  }

  text(name: string, otherwise: string): string {
    return this.attr<string>(name) ?? otherwise
  }

  /** A list that is an attribute in older operator sets, an operand in newer ones. */
  list(name: string, i: number): number[] | undefined {
    const said = this.ints(name)
    return said ? [...said] : this.has(i) ? this.numbers(i) : undefined
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    const at = axis < 0 ? axis + rank : axis
    if (at >= 0 && at < Math.max(rank, 1)) return at
    throw this.refuse(`axis ${axis} of rank ${rank}`, 'export the network again', 4)
  }

  /** The variables of a layer, alone. */
  get own(): Variables {
    const { params, frozen } = this.around.vars
    const parts = ['kernel', ...(this.step.bias ? ['bias'] : [])].map((part) => `${this.step.layer!}.${part}`)
    return { params: Object.fromEntries(parts.map((name) => [name, (params[name] ?? frozen[name])!])), frozen: {}, state: {} }
  }

  float(i: number): Tensor {
    const x = this.x(i)
    return x.dtype === 'float32' ? x : tf.cast(x, 'float32')
  }
}

/** A result held as operand `i` is. */
export const like = (at: At, i: number, tensor: Tensor): Held => ({ ...at.of(i), tensor })
export const image = (tensor: Tensor): Held => ({ tensor, last: true, known: false })
