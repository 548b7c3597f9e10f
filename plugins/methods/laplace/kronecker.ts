import { tf, type Tensor } from 'ockham/tensor'
import type { Coordinates } from './coordinates.js'
import { weighed } from './diagonal.js'
import { kroneckerCurvature } from './kronecker-curvature.js'
import { inputsOf, pairsOf, type KroneckerOptions } from './pairs.js'
import type { Structure } from './structure.js'

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
