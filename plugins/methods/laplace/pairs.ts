import type { Tensors, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import type { LinearLayer } from '../../parts/curvature/index.js'
import { matrix } from '../../parts/linalg/index.js'
import type { Block, Coordinates } from './coordinates.js'

export interface KroneckerOptions {
  /** `separate`: the bias has a factor of its own; `joint`: it is the weight of an input that is always one. */
  readonly bias: 'separate' | 'joint'
  /** Of layers at several places: `expand` takes each place for data, `reduce` averages inputs and adds up gradients first. */
  readonly places: 'expand' | 'reduce'
  /** Directions that are kept of a factor more than three times as large. */
  readonly directions: number
}

/** A factor pair: what parts of a layer it covers, and where they stand in the vector of all. */
export interface Pair {
  readonly name: string
  readonly layer: LinearLayer
  readonly blocks: readonly Block[]
  /** Rows of the left matrix: inputs of the kernel, then one for the bias. */
  readonly inputs: number
}

export function pairsOf({ blocks }: Coordinates, { bias }: KroneckerOptions): Pair[] {
  const inputs = ({ part, layer }: Block): number => (part === 'kernel' ? layer.inputs : 1)
  if (bias === 'separate') return blocks.map((b) => ({ name: b.param, layer: b.layer, blocks: [b], inputs: inputs(b) }))
  const layers = [...new Set(blocks.map((b) => b.layer))]
  return layers.map((layer) => {
    const own = blocks.filter((b) => b.layer === layer)
    return { name: layer.name, layer, blocks: own, inputs: own.reduce((n, b) => n + inputs(b), 0) }
  })
}

/** Inputs of a pair [n, t, inputs]: those of its layer, or ones, or both. */
export function inputsOf({ layer, blocks }: Pair, all: Tensors): Tensor {
  const a = all[layer.name]!
  const parts = blocks.map((b) => (b.part === 'kernel' ? a : tf.ones([a.shape[0], a.shape[1]!, 1])))
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 2)
}

export const placesOf = ({ out }: LinearLayer): number => out.slice(0, -1).reduce((a, b) => a * b, 1)

/** √δ of each row of a pair's inputs; δ is one number a parameter. */
export const rowScales = ({ precision }: Coordinates, { blocks, layer }: Pair): Float64Array =>
  Float64Array.from(blocks.flatMap((b) => new Array<number>(b.part === 'kernel' ? layer.inputs : 1).fill(Math.sqrt(precision[b.at]!))))

export function symmetric({ data, shape }: Value, f: (v: number, i: number, j: number) => number): Value {
  const n = shape[0]!
  const of = (i: number, j: number): number => f((data[i * n + j]! + data[j * n + i]!) / 2, i, j)
  return matrix(
    [n, n],
    Float64Array.from({ length: n * n }, (_, k) => of(Math.floor(k / n), k % n)),
  )
}
