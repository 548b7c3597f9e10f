import { tf, type Tensor } from 'ockham/tensor'
import type { LinearLayer } from '../../parts/curvature/index.js'
import { zeros } from '../../parts/training/index.js'
import type { Coordinates } from './coordinates.js'
import { inputsOf, pairsOf, placesOf, type KroneckerOptions, type Pair } from './pairs.js'
import type { Sums } from './structure.js'

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
