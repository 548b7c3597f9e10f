/*
 * Liu, Lin, Padhy, Tran, Bedrax Weiss, Lakshminarayanan, "Simple and principled uncertainty estimation with deterministic deep learning via distance awareness",
 * NeurIPS 2020, arXiv 2006.10108; random features by Rahimi and Recht 2007.
 */
import { InputError, type Call, type HostKey, type Model, type Value, type Variables } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { kernel, variable } from '../../parts/networks/index.js'
import { value } from '../../parts/training/index.js'
import { boundedLayers, directionOf, firstDirection, normalised } from './spectral.js'

export interface SngpOptions {
  /** D, random features. */
  readonly features: number
  /** ℓ of the squared exponential kernel on the last hidden layer. */
  readonly lengthScale: number
  /** Largest singular value of hidden kernels. */
  readonly bound: number
}

const frequencies = 'head.frequencies'
const phases = 'head.phases'

/** Φ = √(2/D) cos(h Ω / ℓ + φ), [n, D]: products of rows are exp(−‖h − h′‖² / 2ℓ²) on average over Ω. Traced. */
export function randomFeatures(vars: Variables, h: Tensor, lengthScale: number): Tensor {
  const omega = variable(vars, frequencies)
  return h
    .matMul(omega)
    .div(lengthScale)
    .add(variable(vars, phases))
    .cos()
    .mul(Math.sqrt(2 / omega.shape[1]!))
}

/** The base's variables with a head on D features in place of its own. */
function withFeatures(base: Variables<Value>, key: HostKey, features: number): Variables<Value> {
  const head = base.params['head.kernel']
  if (head?.shape.length !== 2)
    throw new InputError({
      code: 'OCK-SNGP-001',
      what: 'the model has no dense layer called head',
      where: 'model.of',
      remedy: 'choose mlp, cnn or resnet',
    })
  const [width, outputs] = head.shape as [number, number]
  const uniform = key.fold(phases).uniform([features]).data
  return {
    params: { ...base.params, 'head.kernel': kernel(key.fold('head.kernel'), [features, outputs], 'lecun') },
    frozen: {
      ...base.frozen,
      [frequencies]: key.fold(frequencies).normal([width, features]),
      [phases]: value(Float32Array.from(uniform, (u) => 2 * Math.PI * u)),
    },
    state: {
      ...base.state,
      ...Object.fromEntries(
        boundedLayers(base).map((l) => [directionOf(l.name), firstDirection(key.fold(directionOf(l.name)), l.outputs)]),
      ),
    },
  }
}

const withHead = (vars: Variables, call: Call, lengthScale: number): Call => ({
  ...call,
  at: (point, h) => call.at(point, point === 'head.in' ? randomFeatures(vars, h, lengthScale) : h),
})

/**
 * A network that keeps distances: hidden kernels of bounded spectral norm, and a head that is linear in random features of a Gaussian process. The covariance of
 * the head's weights, which grows with the distance to the training data, is the last-layer Laplace of the plugin `laplace`.
 */
export const sngp = (base: Model, { features, lengthScale, bound }: SngpOptions): Model => ({
  init: async (key, meta) => withFeatures(await base.init(key.fold('base'), meta), key.fold('sngp'), features),
  apply: (vars, x, call) => base.apply(normalised(vars, call, bound), x, withHead(vars, call, lengthScale)),
})
