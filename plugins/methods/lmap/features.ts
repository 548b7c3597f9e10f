/*
 * Models of fixed features with weights written in coordinates of their own, section 3 and appendix A of Qiu et al. 2023: their density of functions has a
 * closed form whatever the features.
 */
import type { Model } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { z } from 'zod'
import { outputSize, inputSize } from '../../parts/networks/index.js'
import { value } from '../../parts/training/index.js'

export const featuresOptions = z
  .strictObject({
    basis: z
      .enum(['fourier', 'bumps'])
      .default('fourier')
      .describe('sin kπx and cos kπx for k = 1, 2, …; or bumps exp(−(x − c)²/2w²) at even places'),
    count: z.int().positive().default(200).describe('P, features; even for fourier, half of them sines'),
    low: z.number().default(-1).describe('place of the first bump'),
    high: z.number().default(1).describe('place of the last bump'),
    width: z.number().positive().default(0.1).describe('w of a bump'),
    transform: z.enum(['identity', 'tanh', 'exp']).default('identity').describe('g, from a parameter to the weight of its feature'),
    start: z.enum(['zero', 'normal']).default('zero').describe('parameters before training: 0, or standard normal numbers'),
  })
  .refine(({ basis, count }) => basis === 'bumps' || count % 2 === 0, {
    error: 'there are as many sines as cosines: give an even count',
    path: ['count'],
  })

export type FeaturesOptions = z.output<typeof featuresOptions>

/** A model whose function is linear in g(θᵢ), each of one parameter. */
export interface Elementwise extends Model {
  /** Σ log |g′(θᵢ)|, which is ½ log det G but for a number that the features alone decide. */
  logVolume(theta: Tensor): Tensor
}

const transforms = {
  identity: { of: (t: Tensor) => t, logSlope: (t: Tensor) => tf.zerosLike(t) },
  exp: { of: (t: Tensor) => t.exp(), logSlope: (t: Tensor) => t },
  tanh: {
    of: (t: Tensor) => t.tanh(),
    // log sech² t in a form that holds where 1 − tanh² t is 0 in float32.
    logSlope: (t: Tensor) => {
      const far = t.abs().mul(-2)
      return far.sub(far.exp().log1p().mul(2)).add(2 * Math.LN2)
    },
  },
}

/** Bumps' places, or Fourier features' angular frequencies. */
export const places = ({ basis, count, low, high }: FeaturesOptions): number[] =>
  basis === 'fourier'
    ? Array.from({ length: count / 2 }, (_, k) => Math.PI * (k + 1))
    : Array.from({ length: count }, (_, i) => (count === 1 ? (low + high) / 2 : low + ((high - low) * i) / (count - 1)))

/** φ(x) [n, P] of inputs [n, 1]. */
function featuresOf(x: Tensor, options: FeaturesOptions): Tensor {
  const at = tf.tensor2d([places(options)])
  if (options.basis === 'bumps')
    return x
      .sub(at)
      .square()
      .mul(-0.5 / options.width ** 2)
      .exp()
  const angles = x.matMul(at)
  return tf.concat([angles.sin(), angles.cos()], 1)
}

/**
 * f(x) = Σᵢ g(θᵢ) φᵢ(x) / √P, with one parameter `theta` [P]; inputs [n, 1], outputs [n, 1]. Throws `OCK-LMAP-001` for other data.
 */
export const features = (options: FeaturesOptions): Elementwise => ({
  init(key, meta) {
    if (inputSize(meta) !== 1 || outputSize(meta) !== 1)
      throw new InputError({
        code: 'OCK-LMAP-001',
        what: `these features are of one number and for one number, and the data has ${inputSize(meta)} inputs and ${outputSize(meta)} outputs`,
        where: 'model',
        remedy: 'use a dataset such as fourier, or a network',
      })
    const { count, start } = options
    const theta = start === 'zero' ? value(new Float32Array(count)) : key.fold('theta').normal([count])
    return { params: { theta }, frozen: {}, state: {} }
  },
  apply({ params: { theta } }, x) {
    const weights = transforms[options.transform].of(theta!).reshape([-1, 1])
    return featuresOf((x as Tensor).reshape([-1, 1]), options)
      .matMul(weights)
      .div(Math.sqrt(options.count))
  },
  logVolume: (theta) => transforms[options.transform].logSlope(theta).sum(),
})
