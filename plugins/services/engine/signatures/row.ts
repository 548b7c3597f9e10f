import { tf } from '../tensor.js'
import type { Slot } from '../graph.js'

export type Attrs = Readonly<Record<string, unknown>>
export type Shape = readonly number[]

/** What a kernel gives for its inputs: result slots, and its attributes resolved (axes positive and listed, sizes explicit). */
export interface Inferred {
  readonly outputs: readonly Slot[]
  readonly attrs: Attrs
}

/** A kernel's signature. */
export interface Row {
  /** Names of the inputs, in the order in which a node lists them; `list` for kernels that take any number. */
  readonly inputs: readonly string[] | 'list'
  /** Throws {@link Mismatch} where shapes or types do not fit. */
  infer(inputs: readonly Slot[], attrs: Attrs): Inferred
}

export type Table = Readonly<Record<string, Row>>

/** Inputs that do not fit a kernel; the tracer says where. */
export class Mismatch extends Error {}

export const same = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i])

/** Shape of two operands together, sizes of one stretched. */
export function broadcast(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const m = a[i - rank + a.length] ?? 1
    const n = b[i - rank + b.length] ?? 1
    if (m !== n && m !== 1 && n !== 1) throw new Mismatch(`[${a}] and [${b}] do not broadcast`)
    return m === 1 ? n : m
  })
}

export function expect(slot: Slot, ...dtypes: readonly Slot['dtype'][]): void {
  if (!dtypes.includes(slot.dtype)) throw new Mismatch(`an input is ${slot.dtype}, not ${dtypes.join(' or ')}`)
}

export const expectSame = (inputs: readonly Slot[]): void => {
  if (inputs.some((s) => s.dtype !== inputs[0]!.dtype)) throw new Mismatch('its inputs differ in type')
}

/** One axis as a place from the front. */
export function place(axis: unknown, rank: number, extra = 0): number {
  const n = (axis ?? 0) as number
  const at = n < 0 ? n + rank + extra : n
  if (!Number.isInteger(n) || at < 0 || at >= rank + extra) throw new Mismatch(`axis ${String(axis)} of a tensor of rank ${rank}`)
  return at
}

/** Axes as tfjs accepts them (none means all) as places from the front, ascending. */
export function places(axis: unknown, shape: Shape): number[] {
  return tf.util.parseAxisParam(axis as number | number[], [...shape]).sort((a, b) => a - b)
}

export const slot = (shape: Shape, dtype: Slot['dtype']): Slot => ({ shape: [...shape], dtype })
export const one = (shape: Shape, dtype: Slot['dtype'], attrs: Attrs = {}): Inferred => ({ outputs: [slot(shape, dtype)], attrs })
