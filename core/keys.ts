import type { HostKey, TypedArray, Value } from './contracts/index.js'
import { InputError } from './errors.js'
import { turn, turned } from './turn.js'

/** Separate streams below one key, so that no draw shares its counters with another kind of draw or with a fold. */
const enum Domain {
  Numbers,
  Names,
  Uniform,
  Normal,
  Bernoulli,
  Integers,
  Permutation,
}

/** The two words of the last block: draws write here, so that none allocates. */
const out = new Uint32Array(2)

/**
 * One block of Threefry-2x32 with 20 rounds: (k0, k1) encrypts the counter (c0, c1) into `out`. Written out, which is four times as fast as a loop.
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */
function block(k0: number, k1: number, c0: number, c1: number): void {
  const k2 = 0x1bd11bda ^ k0 ^ k1
  let x = (c0 + k0) | 0
  let y = (c1 + k1) | 0
  x = (x + y) | 0
  y = ((y << 13) | (y >>> 19)) ^ x
  x = (x + y) | 0
  y = ((y << 15) | (y >>> 17)) ^ x
  x = (x + y) | 0
  y = ((y << 26) | (y >>> 6)) ^ x
  x = (x + y) | 0
  y = ((y << 6) | (y >>> 26)) ^ x
  x = (x + k1) | 0
  y = (y + k2 + 1) | 0
  x = (x + y) | 0
  y = ((y << 17) | (y >>> 15)) ^ x
  x = (x + y) | 0
  y = ((y << 29) | (y >>> 3)) ^ x
  x = (x + y) | 0
  y = ((y << 16) | (y >>> 16)) ^ x
  x = (x + y) | 0
  y = ((y << 24) | (y >>> 8)) ^ x
  x = (x + k2) | 0
  y = (y + k0 + 2) | 0
  x = (x + y) | 0
  y = ((y << 13) | (y >>> 19)) ^ x
  x = (x + y) | 0
  y = ((y << 15) | (y >>> 17)) ^ x
  x = (x + y) | 0
  y = ((y << 26) | (y >>> 6)) ^ x
  x = (x + y) | 0
  y = ((y << 6) | (y >>> 26)) ^ x
  x = (x + k0) | 0
  y = (y + k1 + 3) | 0
  x = (x + y) | 0
  y = ((y << 17) | (y >>> 15)) ^ x
  x = (x + y) | 0
  y = ((y << 29) | (y >>> 3)) ^ x
  x = (x + y) | 0
  y = ((y << 16) | (y >>> 16)) ^ x
  x = (x + y) | 0
  y = ((y << 24) | (y >>> 8)) ^ x
  x = (x + k1) | 0
  y = (y + k2 + 4) | 0
  x = (x + y) | 0
  y = ((y << 13) | (y >>> 19)) ^ x
  x = (x + y) | 0
  y = ((y << 15) | (y >>> 17)) ^ x
  x = (x + y) | 0
  y = ((y << 26) | (y >>> 6)) ^ x
  x = (x + y) | 0
  y = ((y << 6) | (y >>> 26)) ^ x
  x = (x + k2) | 0
  y = (y + k0 + 5) | 0
  out[0] = x
  out[1] = y
}

/** Threefry-2x32-20 of counter (c0, c1) under key (k0, k1), as two unsigned words. */
export function threefry(k0: number, k1: number, c0: number, c1: number): [number, number] {
  // Signed words throughout: one above 2³¹ would make the additions of every later block those of doubles.
  block(k0 | 0, k1 | 0, c0 | 0, c1 | 0)
  return [out[0]!, out[1]!]
}

const high = (n: number): number => Math.floor(n / 2 ** 32) | 0

const invalid = (what: string): InputError => new InputError({ code: 'OCK-KEY-001', what })

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

const kept = (shape: readonly number[], dtype: Value['dtype'], data: TypedArray): Value => ({ shape: [...shape], dtype, data })

/** Engines install it while they trace: it throws where a host key draws inside a traced function. */
function refuseWhileTracing(): void {
  const guard = (globalThis as Record<symbol, unknown>)[Symbol.for('ockham/tracing')]
  if (typeof guard === 'function') (guard as () => void)()
}

/** Marks keys; `Symbol.for` keeps identity across copies of core. */
const mark: unique symbol = Symbol.for('ockham/key')

class Stream implements HostKey {
  readonly #k0: number
  readonly #k1: number
  readonly [mark] = true

  constructor(k0: number, k1: number) {
    this.#k0 = k0 | 0
    this.#k1 = k1 | 0
  }

  fold(data: string | number): HostKey {
    const [k0, k1] = this.#below(typeof data === 'number' ? Domain.Numbers : Domain.Names)
    if (typeof data === 'string') return new Stream(...absorb(k0, k1, data))
    if (!Number.isSafeInteger(data)) throw invalid(`cannot fold ${data} into a key: numbers must be integers below 2^53`)
    return new Stream(...threefry(k0, k1, data | 0, high(data)))
  }

  // Draws have loops of their own: a function called a number at a time would cost more than the number. Typed arrays ignore the place past an odd end.

  uniform(shape: readonly number[]): Value {
    const data = new Float32Array(count(shape))
    const [k0, k1] = this.#drawn(Domain.Uniform)
    for (let i = 0; i < data.length; i += 2) {
      block(k0, k1, i >>> 1, 0)
      data[i] = (out[0]! >>> 8) * 2 ** -24
      data[i + 1] = (out[1]! >>> 8) * 2 ** -24
    }
    return kept(shape, 'float32', data)
  }

  normal(shape: readonly number[]): Value {
    const data = new Float32Array(count(shape))
    const [k0, k1] = this.#drawn(Domain.Normal)
    for (let i = 0; i < data.length; i += 2) {
      block(k0, k1, i >>> 1, 0)
      const radius = Math.sqrt(-2 * Math.log((out[0]! + 1) * 2 ** -32))
      turn(out[1]! | 0)
      data[i] = radius * turned[0]!
      data[i + 1] = radius * turned[1]!
    }
    return kept(shape, 'float32', data)
  }

  bernoulli(p: number, shape: readonly number[]): Value {
    if (!(p >= 0 && p <= 1)) throw invalid(`cannot draw with probability ${p}`)
    const data = new Float32Array(count(shape))
    const below = p * 2 ** 32
    const [k0, k1] = this.#drawn(Domain.Bernoulli)
    for (let i = 0; i < data.length; i += 2) {
      block(k0, k1, i >>> 1, 0)
      // No branch: half of them would be guessed wrong.
      data[i] = +(out[0]! < below)
      data[i + 1] = +(out[1]! < below)
    }
    return kept(shape, 'float32', data)
  }

  /** From 53 bits a number: each value's probability is within 2^-53 of 1 / below. */
  integers(shape: readonly number[], below: number): Value {
    if (!(Number.isInteger(below) && below > 0 && below <= 2 ** 31)) throw invalid(`cannot draw integers below ${below}`)
    const data = new Int32Array(count(shape))
    this.#fractions(Domain.Integers, data.length, (i, u) => (data[i] = Math.floor(u * below)))
    return kept(shape, 'int32', data)
  }

  /** Fisher and Yates' shuffle, from the end; draw i decides place n − 1 − i. */
  permutation(n: number): Value {
    if (!(Number.isInteger(n) && n >= 0 && n <= 2 ** 31)) throw invalid(`cannot permute ${n} things`)
    const data = Int32Array.from({ length: n }, (_, i) => i)
    this.#fractions(Domain.Permutation, n - 1, (i, u) => {
      const last = n - 1 - i
      const chosen = Math.floor(u * (last + 1))
      const moved = data[last]!
      data[last] = data[chosen]!
      data[chosen] = moved
    })
    return kept([n], 'int32', data)
  }

  #below(domain: Domain): [number, number] {
    return threefry(this.#k0, this.#k1, domain, 0)
  }

  /** The key of a kind of draw, as signed words. */
  #drawn(domain: Domain): [number, number] {
    refuseWhileTracing()
    const [k0, k1] = this.#below(domain)
    return [k0 | 0, k1 | 0]
  }

  /** Calls `put` with a fraction in [0, 1) of 53 bits for each i < n. */
  #fractions(domain: Domain, n: number, put: (i: number, u: number) => void): void {
    const [k0, k1] = this.#drawn(domain)
    for (let i = 0; i < n; i++) {
      block(k0, k1, i, 0)
      put(i, ((out[0]! >>> 5) * 2 ** 26 + (out[1]! >>> 6)) * 2 ** -53)
    }
  }
}

/** A name as a key: its length, then its UTF-8 bytes eight at a time, each block encrypted under what came before. */
function absorb(k0: number, k1: number, name: string): [number, number] {
  const bytes = new TextEncoder().encode(name)
  const padded = new DataView(new ArrayBuffer(Math.ceil(bytes.length / 8) * 8))
  bytes.forEach((b, i) => padded.setUint8(i, b))
  let key = threefry(k0, k1, bytes.length, 0)
  for (let i = 0; i < padded.byteLength; i += 8) key = threefry(...key, padded.getUint32(i, true), padded.getUint32(i + 4, true))
  return key
}

/**
 * The root key of a seed, an integer in [0, 2^53). Its draws are the same on every machine; floats are computed in
 * float64 and rounded once. Errors: `OCK-KEY-001` for a seed, a folded number or a range that cannot be.
 */
export function hostKey(seed: number): HostKey {
  if (!(Number.isSafeInteger(seed) && seed >= 0)) throw invalid(`a seed must be an integer from 0 to 2^53 - 1, not ${seed}`)
  return new Stream(seed | 0, high(seed))
}

/** Whether something is a host key: engines tell keys from other arguments by it. */
export const isHostKey = (value: unknown): value is HostKey => typeof value === 'object' && value !== null && mark in value
