import type { Engine, Tensors, Value, Values } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import type { LinearLayer } from '../../parts/curvature/index.js'
import { blockProduct, eigenSymmetric, matrix, transpose } from '../../parts/linalg/index.js'
import { value, zeros } from '../../parts/training/index.js'
import type { Block, Coordinates } from './coordinates.js'
import { weighed } from './diagonal.js'
import type { Curvature, Structure, Sums } from './structure.js'

export interface KroneckerOptions {
  /** `separate`: the bias has a factor of its own; `joint`: it is the weight of an input that is always one. */
  readonly bias: 'separate' | 'joint'
  /** Of layers at several places: `expand` takes each place for data, `reduce` averages inputs and adds up gradients first. */
  readonly places: 'expand' | 'reduce'
}

/** A factor pair: what parts of a layer it covers, and where they stand in the vector of all. */
interface Pair {
  readonly name: string
  readonly layer: LinearLayer
  readonly blocks: readonly Block[]
  /** Rows of the left matrix: inputs of the kernel, then one for the bias. */
  readonly inputs: number
}

/** B ⊗ A = (Qb ⊗ Qa) diag(lb ⊗ la) (Qb ⊗ Qa)ᵀ in the coordinates of the prior; Qa's rows are inputs. */
interface Eigen {
  readonly la: Float64Array
  readonly lb: Float64Array
  readonly qa: Value
  readonly qb: Value
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
    add(carry, { pass, pulled, weight }) {
      const reduce = options.places === 'reduce'
      const left = (p: Pair): Tensor => {
        const each = inputsOf(p, pass.inputs)
        const a = reduce && each.shape[1]! > 1 ? each.mean(1, true) : each
        const rows = a.mul(weight.sqrt().reshape([-1, 1, 1])).reshape([-1, p.inputs])
        return tf.matMul(rows, rows, true, false)
      }
      const right = ({ name, outputs }: LinearLayer): Tensor => {
        const each = pulled[name]!
        const rows = (reduce ? each.sum(2) : each).reshape([-1, outputs])
        return tf.matMul(rows, rows, true, false)
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

const clamped = ({ data }: Value): Float64Array => Float64Array.from(data, (l) => Math.max(0, l))

/** Eigendecompositions of the factors. */
export function closeKronecker(at: Coordinates, options: KroneckerOptions, sums: Values): Curvature {
  const count = sums['count']!.data[0]!
  const rights = new Map(at.layers.map((l) => [l.name, eigenSymmetric(symmetric(sums[`b.${l.name}`]!, (v) => v))]))
  const eigen = pairsOf(at, options).map((p): Eigen => {
    const scale = rowScales(at, p)
    const rows = count * (options.places === 'expand' ? placesOf(p.layer) : 1)
    const alone = p.blocks[0]!.part === 'bias'
    const a = alone
      ? matrix([1, 1], [1 / (scale[0]! * scale[0]!)])
      : symmetric(sums[`a.${p.name}`]!, (v, i, j) => v / rows / (scale[i]! * scale[j]!))
    const [left, right] = [eigenSymmetric(a), rights.get(p.layer.name)!]
    return { la: clamped(left.values), qa: left.vectors, lb: clamped(right.values), qb: right.vectors }
  })
  return kroneckerCurvature(at, options, eigen)
}

function kroneckerCurvature(at: Coordinates, options: KroneckerOptions, eigen: readonly Eigen[]): Curvature {
  const pairs = pairsOf(at, options)
  const group = (p: Pair): number => at.groupOf[p.blocks[0]!.at]!
  return {
    settle({ prior, likelihood }) {
      const traces = new Float64Array(at.groups)
      let logDeterminant = 0
      pairs.forEach((p, k) => {
        const { la, lb } = eigen[k]!
        const t = prior[group(p)]!
        let trace = 0
        for (const a of la)
          for (const b of lb) {
            const ratio = (likelihood * a * b) / t
            logDeterminant += Math.log1p(ratio)
            trace += 1 / (1 + ratio)
          }
        traces[group(p)]! += trace / t
      })
      return { logDeterminant, traces }
    },
    async draw({ prior, likelihood }, noise, engine) {
      const out = new Float64Array(at.size)
      for (const [k, p] of pairs.entries()) await drawPair(engine, p, eigen[k]!, prior[group(p)]!, likelihood, noise, out)
      return out
    },
    factors({ prior, likelihood }) {
      const of = (p: Pair, { la, lb, qa, qb }: Eigen): [string, Value][] => {
        const scale = rowScales(at, p)
        const n = la.length
        const m = Float64Array.from(
          { length: n * lb.length },
          (_, i) => 1 / (likelihood * la[Math.floor(i / lb.length)]! * lb[i % lb.length]! + prior[group(p)]!),
        )
        const rotated = Float32Array.from(qa.data, (v, i) => v / scale[Math.floor(i / n)]!)
        return [
          [`m.${p.name}`, value(m, [n, lb.length])],
          [`qa.${p.name}`, value(rotated, [n, n])],
          [`qb.${p.layer.name}`, value(qb.data, qb.shape)],
        ]
      }
      return Object.fromEntries(pairs.flatMap((p, k) => of(p, eigen[k]!)))
    },
    save: () =>
      Object.fromEntries(
        pairs.flatMap((p, k) => {
          const { la, lb, qa, qb } = eigen[k]!
          return [
            [`la.${p.name}`, matrix([la.length], la)],
            [`qa.${p.name}`, qa],
            [`lb.${p.layer.name}`, matrix([lb.length], lb)],
            [`qb.${p.layer.name}`, qb],
          ]
        }),
      ),
  }
}

/** Qa (ε / √(s la lb + t)) Qbᵀ of a pair, written to its blocks. */
async function drawPair(
  engine: Engine,
  p: Pair,
  { la, lb, qa, qb }: Eigen,
  t: number,
  s: number,
  noise: Float64Array,
  out: Float64Array,
): Promise<void> {
  const [n, m] = [la.length, lb.length]
  const white = new Float64Array(n * m)
  let row = 0
  for (const b of p.blocks) {
    white.set(noise.subarray(b.at, b.at + b.size), row * m)
    row += b.size / m
  }
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) white[i * m + j]! /= Math.sqrt(s * la[i]! * lb[j]! + t)
  const left = await blockProduct(engine, qa, matrix([n, m], white))
  const all = (await blockProduct(engine, left, transpose(qb))).data as Float64Array
  row = 0
  for (const b of p.blocks) {
    out.set(all.subarray(row * m, row * m + b.size), b.at)
    row += b.size / m
  }
}

/** Variance of outputs from the factors alone: inputs and output gradients are turned into the factors' axes, and no Jacobian is formed. */
export function kronecker(at: Coordinates, options: KroneckerOptions): Structure {
  const pairs = pairsOf(at, options)
  const turned = (x: Tensor, q: Tensor): Tensor => tf.matMul(x.reshape([-1, q.shape[0]]), q).reshape(x.shape)
  return {
    restore: (saved) =>
      kroneckerCurvature(
        at,
        options,
        pairs.map((p) => ({
          la: Float64Array.from(saved[`la.${p.name}`]!.data),
          lb: Float64Array.from(saved[`lb.${p.layer.name}`]!.data),
          qa: saved[`qa.${p.name}`]!,
          qb: saved[`qb.${p.layer.name}`]!,
        })),
      ),
    covariance(pass, pulled, factors) {
      const gradients = new Map(at.layers.map(({ name }) => [name, turned(pulled[name]!, factors[`qb.${name}`]!)]))
      const parts = pairs.map((p) => {
        const g = gradients.get(p.layer.name)!
        return weighed(turned(inputsOf(p, pass.inputs), factors[`qa.${p.name}`]!), g, factors[`m.${p.name}`]!)
      })
      return tf.addN(parts)
    },
  }
}
