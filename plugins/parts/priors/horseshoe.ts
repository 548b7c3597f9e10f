import type { Prior } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { independent, type LogDensity } from './independent.js'
import { normalOptions } from './normal.js'

export const horseshoeOptions = z.strictObject({
  scale: normalOptions.shape.scale.describe('τ, global scale of every parameter, or one a layer'),
})

const polynomial = (coefficients: readonly number[], x: Tensor): Tensor =>
  coefficients.reduceRight<Tensor>((sum, c) => sum.mul(x).add(c), tf.zerosLike(x))

/** (−1)^(k+1)/(k k!), k from 1. */
const series = Array.from({ length: 11 }, (_, i) => i + 1).map((k) => {
  let factorial = 1
  for (let j = 2; j <= k; j++) factorial *= j
  return (k % 2 === 1 ? 1 : -1) / (k * factorial)
})

const euler = 0.5772156649015329

/** eᵘ E₁(u), u > 0, E₁ the exponential integral: its series up to 1 and the rational approximation 5.1.56 of Abramowitz and Stegun from there. */
export function scaledExponentialIntegral(u: Tensor): Tensor {
  const low = tf.minimum(u, 1)
  const small = low.exp().mul(
    polynomial([0, ...series], low)
      .sub(low.log())
      .sub(euler),
  )
  const w = tf.div(1, tf.maximum(u, 1))
  const large = w
    .mul(polynomial([1, 8.5733287401, 18.059016973, 8.6347608925, 0.2677737343], w))
    .div(polynomial([1, 9.5733223454, 25.6329561486, 21.0996530827, 3.9584969228], w))
  return tf.where(tf.lessEqual(u, 1), small, large)
}

/** Half squares below this count as this: the density has a pole at zero. */
const least = 1e-12

/** Log of the density of z = λ ξ, λ half Cauchy, ξ standard normal, with λ integrated out: (2π³)^−½ eᵘ E₁(u), u = z²/2. */
export const horseshoeDensity: LogDensity = (x) =>
  scaledExponentialIntegral(tf.maximum(x.square().div(2), least))
    .log()
    .sub(Math.log(2 * Math.PI ** 3) / 2)

/**
 * The horseshoe of every parameter, Carvalho, Polson, Scott 2010, in its marginal form: θ = τ λ ξ with λ half Cauchy, integrated out exactly.
 * A pole at zero and Cauchy tails: what is small is held at zero, what is large is left alone.
 */
export const horseshoe = ({ scale }: z.output<typeof horseshoeOptions>): Prior => independent(scale, horseshoeDensity)
