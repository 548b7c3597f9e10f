import type { Call, HostKey, Key, Model, Tensors, Value, Values, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { map, prefix, under, value } from '../../parts/training/index.js'
import { inverseSoftplus } from './gaussian.js'

/** How a pass sees random weights. */
export type Estimator = 'weights' | 'local' | 'flipout'

const kernelEnd = '.kernel'
const biasEnd = '.bias'

/** Standard deviations from what is learnt: softplus, so that they stay positive. */
export const deviations = (rho: Tensors): Tensors => map(rho, (r) => tf.softplus(r))

/** ±1 of each element, by the key. */
const signs = (key: Key, shape: readonly number[]): Tensor => key.bernoulli(0.5, shape).mul(2).sub(1)

/** Where a layer's weights are and how far they reach, while a pass goes through it. */
interface Layer {
  readonly kernel: Tensor
  readonly bias: Tensor | undefined
}

/**
 * What a linear layer's output gains over that of the mean weights.
 * `local`, Kingma et al. 2015, equation 6: √(x² (s²) + s_b²) ⊙ ξ, noise for every example.
 * `flipout`, Wen et al. 2018, equation 4: ((x ⊙ r)(s ⊙ e)) ⊙ t + s_b ⊙ e_b, one e for all examples and signs r, t of their own.
 */
export function gained(x: Tensor, { kernel: s, bias }: Layer, estimator: Estimator, key: Key): Tensor {
  const [inputs, outputs] = s.shape as [number, number]
  const rows = x.reshape([-1, inputs])
  const n = rows.shape[0]
  if (estimator === 'local') {
    const variance = rows.square().matMul(s.square())
    const whole = bias ? variance.add(bias.square()) : variance
    return whole
      .add(1e-16)
      .sqrt()
      .mul(key.fold('local').normal([n, outputs]))
  }
  const e = s.mul(key.fold('shared').normal([inputs, outputs]))
  const moved = rows
    .mul(signs(key.fold('r'), [n, inputs]))
    .matMul(e)
    .mul(signs(key.fold('t'), [n, outputs]))
  return bias ? moved.add(bias.mul(key.fold('bias').normal([outputs]))) : moved
}

/** Weights of dense layers that the estimator treats by their outputs, by layer. */
function layersOf(mean: Tensors, s: Tensors, estimator: Estimator): Map<string, Layer> {
  if (estimator === 'weights') return new Map()
  const names = Object.keys(mean).filter((name) => name.endsWith(kernelEnd) && mean[name]!.rank === 2)
  return new Map(
    names.map((name) => {
      const layer = name.slice(0, -kernelEnd.length)
      return [layer, { kernel: s[name]!, bias: s[`${layer}${biasEnd}`] }]
    }),
  )
}

/** The point at which a pass announces the weights that it drew. */
export const drawnPoint = (name: string): string => `drawn.${name}`

/**
 * A model whose weights are normal: parameters `mean.<name>` and `rho.<name>`, deviation softplus(ρ). While training, a pass draws the weights, or what they
 * do to the outputs of dense layers; otherwise it is the base at the mean. Weights that are drawn are announced at `drawn.<name>`.
 */
export const spreadModel = (
  base: Model,
  estimator: Estimator,
  start: (key: HostKey, meta: Parameters<Model['init']>[1]) => Promise<Variables<Value>>,
  deviation: number,
): Model => ({
  async init(key, meta) {
    const { params, frozen, state } = await start(key, meta)
    const rho = inverseSoftplus(deviation)
    const spread: Values = map(params, ({ shape, data }) => value(new Float32Array(data.length).fill(rho), shape))
    return { params: { ...prefix('mean.', params), ...prefix('rho.', spread) }, frozen, state }
  },
  apply(vars, x, call) {
    const mean = under('mean.', vars.params)
    if (!call.train) return base.apply({ ...vars, params: mean }, x, call)
    const s = deviations(under('rho.', vars.params))
    const layers = layersOf(mean, s, estimator)
    const byOutput = new Set([...layers.keys()].flatMap((layer) => [layer + kernelEnd, layer + biasEnd]))
    const key = call.key.fold('weights')
    const params = map(mean, (m, name) =>
      byOutput.has(name) ? m : call.at(drawnPoint(name), m.add(s[name]!.mul(key.fold(name).normal(m.shape)))),
    )
    return base.apply({ ...vars, params }, x, listening(call, layers, estimator))
  },
})

/** The call of the base in which dense layers add what random weights would. */
function listening(call: Call, layers: ReadonlyMap<string, Layer>, estimator: Estimator): Call {
  if (layers.size === 0) return call
  const inputs = new Map<string, Tensor>()
  return {
    ...call,
    at(point, h) {
      const end = point.lastIndexOf('.')
      const [name, side] = [point.slice(0, end), point.slice(end)]
      const layer = layers.get(name)
      if (!layer || (side !== '.in' && side !== '.out')) return call.at(point, h)
      if (side === '.out')
        return call.at(point, h.add(gained(inputs.get(name)!, layer, estimator, call.key.fold('weights').fold(name)).reshape(h.shape)))
      const seen = call.at(point, h)
      inputs.set(name, seen)
      return seen
    },
  }
}
