/** Something compiled that can be given up while nobody runs it, and made again. */
export interface Resident {
  /** Bytes that it keeps while it rests; known once it is compiled. */
  bytes: number
  /** Calls under way. */
  running: number
  free(): void
}

/**
 * What is compiled and rests, the longest first. An executor keeps the memory of a call for the next one: a study of many posteriors, each with programs of its
 * own, would keep all of it to its end.
 */
export class Residents {
  readonly #resting = new Set<Resident>()
  #bytes = 0

  constructor(readonly limit: number) {}

  /** A call begins: it is not given up now. */
  enter(one: Resident): void {
    one.running++
    this.leave(one)
  }

  /** A call has ended; where too much rests, what has rested longest is given up. */
  rest(one: Resident): void {
    one.running--
    if (one.running > 0 || one.bytes === 0) return
    this.#resting.add(one)
    this.#bytes += one.bytes
    for (const old of this.#resting) {
      if (this.#bytes <= this.limit || old === one) return
      this.leave(old)
      old.free()
    }
  }

  /** Forgets one that is disposed, or runs again. */
  leave(one: Resident): void {
    if (this.#resting.delete(one)) this.#bytes -= one.bytes
  }
}
