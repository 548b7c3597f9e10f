import type { Value } from 'ockham'
import * as ort from 'onnxruntime-node'
import type { HostType } from './lower.js'
import { dataAs } from './lower.js'
import { tensorOf } from './session.js'

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array } as const

/** Puts the same input of k steps into one tensor [k, …]; keeps the last array, as fresh memory costs more than filling it. */
export class Stack {
  #kept: InstanceType<(typeof arrays)[HostType]> | undefined

  constructor(
    readonly type: HostType,
    readonly shape: readonly number[],
  ) {}

  /** The tensor shares the array of a single step, or the one kept here: it is good until the next call. */
  of(values: readonly Value[]): ort.Tensor {
    const shape = [values.length, ...this.shape]
    if (values.length === 1) return tensorOf({ ...values[0]!, shape }, this.type)
    const each = this.shape.reduce((a, b) => a * b, 1)
    const size = each * values.length
    if (this.#kept?.length !== size) this.#kept = new arrays[this.type](size)
    const all = this.#kept
    values.forEach((value, i) => all.set(dataAs(value, this.type) as Float32Array, i * each))
    return new ort.Tensor(this.type, all as Float32Array, shape)
  }
}
