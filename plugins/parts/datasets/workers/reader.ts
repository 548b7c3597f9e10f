import type { TypedArray, Value } from 'ockham'
import type { Field } from '../gather.js'
import { changed, type Reading } from './changed.js'
import { lease, type Lease } from './pool.js'

/** Milliseconds of work from which a batch is worth sending to a worker: several times what sending and waking take. */
const WORTH = 1

/** Milliseconds that batches take here before workers are started, whose start costs about as much. */
export const START = 500

/**
 * Reads batches of images in workers, and small ones where it is: what is read here is timed, and only where it takes longer than asking are
 * workers started, and asked once they are ready. Where a batch is read does not change it.
 */
export class WorkerReader {
  #lease: Lease | undefined
  #spent = 0
  #msPerRow = Infinity

  constructor(
    size: number,
    readonly start = START,
  ) {
    this.#lease = lease(size)
  }

  read(field: Field, rows: TypedArray, reading: Reading): Value | Promise<Value> {
    const worth = this.#spent > this.start && this.#msPerRow * rows.length >= WORTH
    if (!worth || !this.#lease?.start()) return this.#here(field, rows, reading)
    return this.#lease.ask<Value>({ type: 'read', field, rows, reading })
  }

  #here(field: Field, rows: TypedArray, reading: Reading): Value {
    const began = performance.now()
    const value = changed(field, rows, reading)
    const took = performance.now() - began
    this.#msPerRow = Math.min(this.#msPerRow, took / rows.length)
    this.#spent += took
    return value
  }

  /** Lets go of the workers; what is read from now on is read here. */
  async dispose(): Promise<void> {
    const held = this.#lease
    this.#lease = undefined
    await held?.release()
  }
}
