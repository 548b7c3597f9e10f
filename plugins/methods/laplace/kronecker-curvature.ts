import type { Engine, Value, Values } from 'ockham'
import { matrix } from '../../parts/linalg/index.js'
import { value } from '../../parts/training/index.js'
import type { Coordinates } from './coordinates.js'
import { eigenLeading, eigenWhole, isLarge, type Eigen } from './factor.js'
import { drawPair, type Product } from './kronecker-draw.js'
import { pairsOf, placesOf, rowScales, symmetric, type KroneckerOptions, type Pair } from './pairs.js'
import type { Curvature } from './structure.js'

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
