import type { Engine, Tensors, Value, Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import type { LinearLayer } from '../../parts/curvature/index.js'
import { blockProduct, matrix, transpose } from '../../parts/linalg/index.js'
import { value, zeros } from '../../parts/training/index.js'
import type { Block, Coordinates } from './coordinates.js'
import { weighed } from './diagonal.js'
import { eigenLeading, eigenWhole, isLarge, type Eigen } from './factor.js'
import type { Curvature, Structure, Sums } from './structure.js'

export interface KroneckerOptions {
  /** `separate`: the bias has a factor of its own; `joint`: it is the weight of an input that is always one. */
  readonly bias: 'separate' | 'joint'
  /** Of layers at several places: `expand` takes each place for data, `reduce` averages inputs and adds up gradients first. */
  readonly places: 'expand' | 'reduce'
  /** Directions that are kept of a factor more than three times as large. */
  readonly directions: number
}

/** A factor pair: what parts of a layer it covers, and where they stand in the vector of all. */
interface Pair {
  readonly name: string
  readonly layer: LinearLayer
  readonly blocks: readonly Block[]
  /** Rows of the left matrix: inputs of the kernel, then one for the bias. */
  readonly inputs: number
}

function pairsOf({ blocks }: Coordinates, { bias }: KroneckerOptions): Pair[] {
  const inputs = ({ part, layer }: Block): number => (part === 'kernel' ? layer.inputs : 1)
  if (bias === 'separate') return blocks.map((b) => ({ name: b.param, layer: b.layer, blocks: [b], inputs: inputs(b) }))
  const layers = [...new Set(blocks.map((b) => b.layer))]
  return layers.map((layer) => {
    const own = blocks.filter((b) => b.layer === layer)
    return { name: layer.name, layer, blocks: own, inputs: own.reduce((n, b) => n + inputs(b), 0) }
  })
}

/** Inputs of a pair [n, t, inputs]: those of its layer, or ones, or both. */
function inputsOf({ layer, blocks }: Pair, all: Tensors): Tensor {
  const a = all[layer.name]!
  const parts = blocks.map((b) => (b.part === 'kernel' ? a : tf.ones([a.shape[0], a.shape[1]!, 1])))
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 2)
}

const placesOf = ({ out }: LinearLayer): number => out.slice(0, -1).reduce((a, b) => a * b, 1)

/** Σ w a a' and Σ g g' of every layer; Martens and Grosse 2015, places as in Eschenhagen et al. 2023. */
export function kroneckerSums(at: Coordinates, options: KroneckerOptions): Sums {
  const pairs = pairsOf(at, options)
  const lefts = pairs.filter(({ blocks }) => blocks[0]!.part === 'kernel')
  return {
    carry: {
      ...Object.fromEntries(lefts.map((p) => [`a.${p.name}`, zeros([p.inputs, p.inputs])])),
      ...Object.fromEntries(at.layers.map(({ name, outputs }) => [`b.${name}`, zeros([outputs, outputs])])),
      count: zeros([]),
    },
    add(carry, { pass, pulled, columns, weight }) {
      const reduce = options.places === 'reduce'
      const left = (p: Pair): Tensor => {
        const each = inputsOf(p, pass.inputs)
        const a = reduce && each.shape[1]! > 1 ? each.mean(1, true) : each
        const rows = a.mul(weight.sqrt().reshape([-1, 1, 1])).reshape([-1, p.inputs])
        return tf.matMul(rows, rows, true, false)
      }
      const right = (layer: LinearLayer): Tensor => {
        const { name, outputs } = layer
        const gram = (g: Tensor): Tensor => {
          const rows = g.reshape([-1, outputs])
          return tf.matMul(rows, rows, true, false)
        }
        if (placesOf(layer) === 1) return gram(pulled[name]!)
        return tf.addN(columns.map((c) => gram(reduce ? c[name]!.sum(1) : c[name]!)))
      }
      return {
        ...Object.fromEntries(lefts.map((p) => [`a.${p.name}`, carry[`a.${p.name}`]!.add(left(p))])),
        ...Object.fromEntries(at.layers.map((l) => [`b.${l.name}`, carry[`b.${l.name}`]!.add(right(l))])),
        count: carry['count']!.add(weight.sum()),
      }
    },
  }
}

/** √δ of each row of a pair's inputs; δ is one number a parameter. */
const rowScales = ({ precision }: Coordinates, { blocks, layer }: Pair): Float64Array =>
  Float64Array.from(blocks.flatMap((b) => new Array<number>(b.part === 'kernel' ? layer.inputs : 1).fill(Math.sqrt(precision[b.at]!))))

function symmetric({ data, shape }: Value, f: (v: number, i: number, j: number) => number): Value {
  const n = shape[0]!
  const of = (i: number, j: number): number => f((data[i * n + j]! + data[j * n + i]!) / 2, i, j)
  return matrix(
    [n, n],
    Float64Array.from({ length: n * n }, (_, k) => of(Math.floor(k / n), k % n)),
  )
}

/** B ⊗ A of a pair in the coordinates of the prior, by the directions of both. */
interface Product {
  readonly left: Eigen
  readonly right: Eigen
}

/** Sums as they came, and eigenvectors once somebody asks: a fit that is only saved needs none. */
export function kroneckerCurvature(at: Coordinates, options: KroneckerOptions, sums: Values): Curvature {
  const pairs = pairsOf(at, options)
  const count = sums['count']!.data[0]!
  const group = (p: Pair): number => at.groupOf[p.blocks[0]!.at]!
  const leftOf = (p: Pair): Value => {
    const scale = rowScales(at, p)
    if (p.blocks[0]!.part === 'bias') return matrix([1, 1], [1 / (scale[0]! * scale[0]!)])
    const rows = count * (options.places === 'expand' ? placesOf(p.layer) : 1)
    return symmetric(sums[`a.${p.name}`]!, (v, i, j) => v / rows / (scale[i]! * scale[j]!))
  }
  const large = pairs.filter((p) => isLarge(p.inputs, options.directions))
  const known = new Map<string, Eigen>()
  const left = (p: Pair): Eigen => {
    const found = known.get(`a.${p.name}`) ?? eigenWhole(leftOf(p))
    known.set(`a.${p.name}`, found)
    return found
  }
  const right = ({ layer }: Pair): Eigen => {
    const found = known.get(`b.${layer.name}`) ?? eigenWhole(symmetric(sums[`b.${layer.name}`]!, (v) => v))
    known.set(`b.${layer.name}`, found)
    return found
  }
  const product = (p: Pair): Product => ({ left: left(p), right: right(p) })
  const ready = (): boolean => large.every((p) => known.has(`a.${p.name}`))
  const prepare = async (engine: Engine): Promise<void> => {
    for (const p of large)
      if (!known.has(`a.${p.name}`)) known.set(`a.${p.name}`, await eigenLeading(engine, leftOf(p), options.directions))
  }
  return {
    ready,
    prepare,
    settle({ prior, likelihood }) {
      const traces = new Float64Array(at.groups)
      let logDeterminant = 0
      for (const p of pairs) {
        const { left: a, right: b } = product(p)
        const t = prior[group(p)]!
        let trace = 0
        const add = (l: number, times: number): void => {
          for (const r of b.values) {
            const ratio = (likelihood * l * r) / t
            logDeterminant += times * Math.log1p(ratio)
            trace += times / (1 + ratio)
          }
        }
        a.values.forEach((l) => add(l, 1))
        if (p.inputs > a.values.length) add(a.rest, p.inputs - a.values.length)
        traces[group(p)]! += trace / t
      }
      return { logDeterminant, traces }
    },
    async draw({ prior, likelihood }, noise, engine) {
      await prepare(engine)
      const out = new Float64Array(at.size)
      for (const p of pairs) await drawPair(engine, p, product(p), prior[group(p)]!, likelihood, noise, out)
      return out
    },
    factors({ prior, likelihood }) {
      const of = (p: Pair): [string, Value][] => {
        const { left: a, right: b } = product(p)
        const scale = rowScales(at, p)
        const [k, m] = [a.values.length, b.values.length]
        const rows = k < p.inputs ? [...a.values, a.rest] : [...a.values]
        const variances = Float64Array.from(
          { length: rows.length * m },
          (_, i) => 1 / (likelihood * rows[Math.floor(i / m)]! * b.values[i % m]! + prior[group(p)]!),
        )
        const rotated = Float32Array.from(a.vectors.data, (v, i) => v / scale[Math.floor(i / k)]!)
        return [
          [`m.${p.name}`, value(variances, [rows.length, m])],
          [`qa.${p.name}`, value(rotated, [p.inputs, k])],
          [`qb.${p.layer.name}`, value(b.vectors.data, b.vectors.shape)],
          ...(k < p.inputs ? [[`scale.${p.name}`, value(scale.map((d) => 1 / d))] as [string, Value]] : []),
        ]
      }
      return Object.fromEntries(pairs.flatMap(of))
    },
    save: () => sums,
  }
}

/** Q (ε / √(s l + t)) of a pair, with l over the products of eigenvalues, written to its blocks. */
async function drawPair(
  engine: Engine,
  p: Pair,
  { left: a, right: b }: Product,
  t: number,
  s: number,
  noise: Float64Array,
  out: Float64Array,
): Promise<void> {
  const [n, k, m] = [p.inputs, a.values.length, b.values.length]
  const white = new Float64Array(n * m)
  let row = 0
  for (const block of p.blocks) {
    white.set(noise.subarray(block.at, block.at + block.size), row * m)
    row += block.size / m
  }
  // Noise in the axes of the right factor; then along the left one's directions, and across them where some are left out.
  const whole = matrix([n, m], white)
  const scaled = (values: ArrayLike<number>, rows: Value, minus?: Float64Array): Value =>
    matrix(
      rows.shape,
      Float64Array.from(
        rows.data,
        (e, i) => e / Math.sqrt(s * values[values.length === 1 ? 0 : Math.floor(i / m)]! * b.values[i % m]! + t) - (minus?.[i] ?? 0),
      ),
    )
  let turned: Value
  if (k === n) turned = await blockProduct(engine, a.vectors, scaled(a.values, whole))
  else {
    const along = await blockProduct(engine, a.vectors, whole, { left: true })
    const inside = scaled(a.values, along, scaled([a.rest], along).data as Float64Array)
    const back = (await blockProduct(engine, a.vectors, inside)).data
    turned = matrix(
      [n, m],
      Float64Array.from(scaled([a.rest], whole).data, (v, i) => v + back[i]!),
    )
  }
  const all = (await blockProduct(engine, turned, transpose(b.vectors))).data as Float64Array
  row = 0
  for (const block of p.blocks) {
    out.set(all.subarray(row * m, row * m + block.size), block.at)
    row += block.size / m
  }
}

/**
 * Covariance of outputs from the factors alone: inputs and output gradients are turned into the factors' axes, and no Jacobian is formed where
 * a layer has one place. What lies across leading directions has their common rest.
 */
export function kronecker(at: Coordinates, options: KroneckerOptions): Structure {
  const pairs = pairsOf(at, options)
  const turned = (x: Tensor, q: Tensor): Tensor => tf.matMul(x.reshape([-1, q.shape[0]]), q).reshape([...x.shape.slice(0, -1), q.shape[1]!])
  return {
    restore: (saved) => kroneckerCurvature(at, options, saved),
    covariance(pass, pulled, factors) {
      const gradients = new Map(at.layers.map(({ name }) => [name, turned(pulled[name]!, factors[`qb.${name}`]!)]))
      const parts = pairs.flatMap((p) => {
        const g = gradients.get(p.layer.name)!
        const [a, q, m] = [inputsOf(p, pass.inputs), factors[`qa.${p.name}`]!, factors[`m.${p.name}`]!]
        const along = turned(a, q)
        const k = q.shape[1]!
        if (k === p.inputs) return [weighed(along, g, m)]
        const directions = m.slice([0, 0], [k, m.shape[1]!])
        const rest = m.slice([k, 0], [1, m.shape[1]!])
        return [weighed(along, g, directions), across(a.mul(factors[`scale.${p.name}`]!), along, g, rest)]
      })
      return tf.addN(parts)
    },
  }
}

/** Σ_i g_ci g_c'i r_i times the square of what of the inputs lies across their directions; at several places, of each pair of them. */
function across(a: Tensor, along: Tensor, g: Tensor, rest: Tensor): Tensor {
  const [n, t] = a.shape as [number, number]
  const [, c, , outputs] = g.shape as [number, number, number, number]
  const products = tf.matMul(a, a, false, true).sub(tf.matMul(along, along, false, true))
  const flat = g.reshape([n, c * t, outputs])
  const pairs = tf.matMul(flat.mul(rest.reshape([1, 1, outputs])), flat, false, true).reshape([n, c, t, c, t])
  return pairs.mul(products.reshape([n, 1, t, 1, t])).sum([2, 4])
}
