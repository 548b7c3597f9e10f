import type { Value, Values } from 'ockham'
import type { LinearLayer } from '../../parts/curvature/index.js'

/** One parameter among those that are uncertain. */
export interface Block {
  readonly param: string
  readonly layer: LinearLayer
  readonly part: 'kernel' | 'bias'
  readonly size: number
  /** Where it begins in the vector of all. */
  readonly at: number
}

/**
 * The uncertain parameters as one vector θ [P], in which a Gaussian prior has precisions t_g δ_i: δ as the prior gives them, t_g a factor for
 * each group that tuning moves. Curvature is kept in coordinates √δ θ, where the prior is T = diag(t).
 */
export interface Coordinates {
  readonly layers: readonly LinearLayer[]
  readonly blocks: readonly Block[]
  /** Places in the vector of all blocks that count, ascending; absent where all do. */
  readonly chosen?: Int32Array
  /** P, those that count. */
  readonly size: number
  /** δ [P]. */
  readonly precision: Float64Array
  /** Group of each [P], and how many there are. */
  readonly groupOf: Int32Array
  readonly groups: number
}

/** What tuning chooses: a factor a group on the prior's precision, and one on the likelihood's curvature, 1 / (T σ²/σ₀²). */
export interface Scales {
  readonly prior: Float64Array
  readonly likelihood: number
}

/** How finely the prior's precision is tuned. */
export const grains = ['global', 'layer', 'parameter'] as const
export type Grain = (typeof grains)[number]

export function blocksOf(layers: readonly LinearLayer[]): Block[] {
  const blocks: Block[] = []
  let at = 0
  for (const layer of layers)
    for (const part of layer.bias ? (['kernel', 'bias'] as const) : (['kernel'] as const)) {
      const size = part === 'kernel' ? layer.inputs * layer.outputs : layer.outputs
      blocks.push({ param: `${layer.name}.${part}`, layer, part, size, at })
      at += size
    }
  return blocks
}

/** All numbers of some blocks, end to end. */
export function gathered(blocks: readonly Block[], values: Values): Float64Array {
  const all = new Float64Array(blocks.reduce((n, b) => n + b.size, 0))
  for (const { param, at } of blocks) all.set(values[param]!.data, at)
  return all
}

export const pick = (all: Float64Array, chosen: Int32Array | undefined): Float64Array =>
  chosen ? Float64Array.from(chosen, (i) => all[i]!) : all

export function coordinatesOf(layers: readonly LinearLayer[], precision: Values, grain: Grain, chosen?: Int32Array): Coordinates {
  const blocks = blocksOf(layers)
  const total = blocks.reduce((n, b) => n + b.size, 0)
  const ofLayer = new Int32Array(total)
  for (const { layer, at, size } of blocks) ofLayer.fill(layers.indexOf(layer), at, at + size)
  const size = chosen?.length ?? total
  const groupOf = new Int32Array(size)
  if (grain === 'layer') groupOf.set(chosen ? chosen.map((i) => ofLayer[i]!) : ofLayer)
  if (grain === 'parameter') for (let i = 0; i < size; i++) groupOf[i] = i
  return {
    layers,
    blocks,
    ...(chosen && { chosen }),
    size,
    precision: pick(gathered(blocks, precision), chosen),
    groupOf,
    groups: grain === 'global' ? 1 : grain === 'layer' ? layers.length : size,
  }
}

/** Parameters `params` moved by `by` [P]. */
export function moved({ blocks, chosen }: Coordinates, params: Values, by: Float64Array): Values {
  const all = gathered(blocks, params)
  if (chosen) chosen.forEach((i, k) => (all[i]! += by[k]!))
  else by.forEach((d, i) => (all[i]! += d))
  const of = (b: Block): Value => ({ ...params[b.param]!, data: Float32Array.from(all.subarray(b.at, b.at + b.size)) })
  return { ...params, ...Object.fromEntries(blocks.map((b) => [b.param, of(b)])) }
}

/** n_g, the numbers in each group. */
export function counts({ groupOf, groups }: Pick<Coordinates, 'groupOf' | 'groups'>): Float64Array {
  const n = new Float64Array(groups)
  for (const g of groupOf) n[g]!++
  return n
}
