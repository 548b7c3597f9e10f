import { RunError } from 'ockham'

/** Bits written one after the other, the first in the highest place of a byte. */
export class BitWriter {
  #bytes = new Uint8Array(64)
  #count = 0

  get length(): number {
    return this.#count
  }

  bit(bit: number): void {
    if (this.#count >> 3 === this.#bytes.length) this.#grow()
    if (bit) this.#bytes[this.#count >> 3]! |= 0x80 >> (this.#count & 7)
    this.#count++
  }

  /** `width` bits of an unsigned number, highest first. */
  number(value: number | bigint, width: number): void {
    const whole = BigInt(value)
    for (let i = width - 1; i >= 0; i--) this.bit(Number((whole >> BigInt(i)) & 1n))
  }

  /** Bytes so far; the last is filled up with zeros. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, Math.ceil(this.#count / 8))
  }

  #grow(): void {
    const more = new Uint8Array(2 * this.#bytes.length)
    more.set(this.#bytes)
    this.#bytes = more
  }
}

/** Reads what a {@link BitWriter} wrote. Throws `OCK-CODE-001` beyond the end. */
export class BitReader {
  #at = 0

  constructor(readonly bytes: Uint8Array) {}

  get position(): number {
    return this.#at
  }

  bit(): number {
    if (this.#at >= 8 * this.bytes.length)
      throw new RunError({ code: 'OCK-CODE-001', what: 'the message ends too early', where: `bit ${this.#at}`, remedy: 'it is damaged' })
    const bit = (this.bytes[this.#at >> 3]! >> (7 - (this.#at & 7))) & 1
    this.#at++
    return bit
  }

  big(width: number): bigint {
    let value = 0n
    for (let i = 0; i < width; i++) value = (value << 1n) | BigInt(this.bit())
    return value
  }

  number(width: number): number {
    return Number(this.big(width))
  }
}
