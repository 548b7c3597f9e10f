import type { Tensors, Value, Values } from 'ockham'
import type { Tensor } from '../tensor.js'

/** Deterministic host draws for the cases; enough for shapes of this size. */
export interface Random {
  /** Uniform on [low, high), float32 [shape]. */
  floats(shape: readonly number[], low?: number, high?: number): Value
  /** Uniform on {0, …, below − 1}, int32 [shape]. */
  integers(shape: readonly number[], below: number): Value
  /** Fair coins, bool [shape]. */
  bools(shape: readonly number[]): Value
}

/** One use of a kernel, to be run by an executor and by tfjs' cpu backend; both should agree. */
export interface Case {
  /** Kernel that the case is about; every row of the table has at least one case. */
  readonly kernel: string
  readonly name: string
  /** Whether its shapes are drawn too: derivatives are tested on these. */
  readonly drawn?: true
  build(random: Random): { readonly inputs: Values; readonly fn: (t: Tensors) => Tensor }
}

/** A generator of case inputs (mulberry32). */
export function random(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
  return {
    floats: (shape, low = -2, high = 2) => ({
      shape,
      dtype: 'float32',
      data: Float32Array.from({ length: size(shape) }, () => low + (high - low) * next()),
    }),
    integers: (shape, below) => ({
      shape,
      dtype: 'int32',
      data: Int32Array.from({ length: size(shape) }, () => Math.floor(next() * below)),
    }),
    bools: (shape) => ({ shape, dtype: 'bool', data: Uint8Array.from({ length: size(shape) }, () => (next() < 0.5 ? 1 : 0)) }),
  }
}

export type Fn = (t: Tensors) => Tensor
export const at = (kernel: string, name: string, inputs: (r: Random) => Values, fn: Fn): Case => ({
  kernel,
  name,
  build: (r) => ({ inputs: inputs(r), fn }),
})

/** A case whose shapes are drawn too. */
export const drawn = (kernel: string, name: string, build: Case['build']): Case => ({ kernel, name: `${name}, drawn`, drawn: true, build })
/** A whole number from `low` to `high`. */
export const whole = (r: Random, low: number, high: number): number => low + r.integers([], high - low + 1).data[0]!
export const pick = <T>(r: Random, xs: readonly T[]): T => xs[whole(r, 0, xs.length - 1)]!
export const sizes = (r: Random, rank: number, low = 1, high = 4): number[] => Array.from({ length: rank }, () => whole(r, low, high))
/** A shape of `least` to four axes. */
export const anyShape = (r: Random, least = 0): number[] => sizes(r, whole(r, least, 4))
/** Two shapes that broadcast to one: each may lack the first axes, and have others of size one. */
export function anyPair(r: Random): [number[], number[]] {
  const both = anyShape(r)
  const part = (): number[] => both.slice(whole(r, 0, both.length)).map((n) => (whole(r, 0, 3) === 0 ? 1 : n))
  return whole(r, 0, 1) === 0 ? [both, part()] : [part(), both]
}

/** Shapes of one operand: a scalar, a row, sizes of one, rank four. */
export const shapes: readonly (readonly number[])[] = [[], [5], [1, 1], [3, 4], [2, 1, 3, 2]]
/** Pairs that broadcast. */
export const pairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [3, 4],
    [3, 4],
  ],
  [[3, 4], [4]],
  [
    [3, 1],
    [1, 4],
  ],
  [[], [2, 3]],
  [[2, 3], []],
  [
    [1, 3],
    [2, 3],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[1], [1]],
]
export const say = (...s: readonly (readonly number[])[]): string => s.map((x) => `[${x}]`).join(' ')

export const unary = (kernel: string, fn: (x: Tensor) => Tensor, low = -2, high = 2, some = shapes): Case[] => [
  ...some.map((s) =>
    at(
      kernel,
      say(s),
      (r) => ({ x: r.floats(s, low, high) }),
      ({ x }) => fn(x!),
    ),
  ),
  drawn(kernel, 'one operand', (r) => ({ inputs: { x: r.floats(anyShape(r), low, high) }, fn: ({ x }) => fn(x!) })),
]

export const binary = (kernel: string, fn: (a: Tensor, b: Tensor) => Tensor, low = -2, high = 2): Case[] => [
  ...pairs.map(([a, b]) =>
    at(
      kernel,
      say(a, b),
      (r) => ({ a: r.floats(a, low, high), b: r.floats(b, low, high) }),
      ({ a, b }) => fn(a!, b!),
    ),
  ),
  drawn(kernel, 'two operands', (r) => {
    const [a, b] = anyPair(r)
    return { inputs: { a: r.floats(a, low, high), b: r.floats(b, low, high) }, fn: (t) => fn(t['a']!, t['b']!) }
  }),
]

export const integer = (kernel: string, fn: (a: Tensor, b: Tensor) => Tensor): Case[] =>
  pairs.slice(0, 4).map(([a, b]) =>
    at(
      kernel,
      `int32 ${say(a, b)}`,
      (r) => ({ a: r.integers(a, 4), b: r.integers(b, 4) }),
      ({ a, b }) => fn(a!, b!),
    ),
  )

export const logical = (kernel: string, fn: (a: Tensor, b: Tensor) => Tensor): Case[] => [
  ...pairs.map(([a, b]) =>
    at(
      kernel,
      say(a, b),
      (r) => ({ a: r.bools(a), b: r.bools(b) }),
      ({ a, b }) => fn(a!, b!),
    ),
  ),
  drawn(kernel, 'two operands', (r) => {
    const [a, b] = anyPair(r)
    return { inputs: { a: r.bools(a), b: r.bools(b) }, fn: (t) => fn(t['a']!, t['b']!) }
  }),
]

/** A number for height and one for width. */
export type Pair = [number, number]
export const pair = (r: Random, low: number, high: number): Pair => [whole(r, low, high), whole(r, low, high)]

/** A use of one input whose shape and function are drawn. */
export const x1 = (
  kernel: string,
  name: string,
  make: (r: Random) => readonly [readonly number[], (x: Tensor) => Tensor],
  low = -2,
  high = 2,
): Case =>
  drawn(kernel, name, (r) => {
    const [shape, fn] = make(r)
    return { inputs: { x: r.floats(shape, low, high) }, fn: ({ x }) => fn(x!) }
  })
