import type { Call, Key, Model } from 'ockham'
import type { Tensor } from 'ockham/tensor'

export interface Dropping {
  /** Probability that a unit is dropped. */
  readonly rate: number
  /** Whether units of the network's input may be dropped too. */
  readonly inputs: boolean
}

/** Units [n, …, units] times a mask that an example has for each unit, the same at all its places; what stays is divided by 1 − rate. */
function masked(h: Tensor, rate: number, key: Key): Tensor {
  const shape = h.shape.map((size, axis) => (axis === 0 || axis === h.rank - 1 ? size : 1))
  return h.mul(key.bernoulli(1 - rate, shape)).div(1 - rate)
}

/** A call that drops units before every linear layer but the first; the points `<layer>.in` are where. */
function dropped(call: Call, { rate, inputs }: Dropping): Call {
  const key = call.key.fold('mc-dropout')
  let seen = inputs
  const at = (point: string, h: Tensor): Tensor => {
    if (!point.endsWith('.in')) return call.at(point, h)
    const first = !seen
    seen = true
    return call.at(point, first ? h : masked(h, rate, key.fold(point)))
  }
  return { ...call, at }
}

/**
 * The model with dropout before its linear layers while training. With `predicting` it drops always: its own dropout draws too, and batch
 * norm keeps to its running statistics.
 */
export const dropping = (model: Model, options: Dropping, predicting = false): Model => ({
  init: (key, meta) => model.init(key, meta),
  apply(vars, x, call) {
    if (predicting) return model.apply(vars, x, dropped({ ...call, train: true, statistics: 'running' }, options))
    return model.apply(vars, x, call.train ? dropped(call, options) : call)
  },
})
