import type { Call, HostKey, Value, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { dense } from './dense.js'
import { dropout } from './dropout.js'
import { kernel } from './init.js'

export interface AttentionOptions {
  readonly heads: number
  /** Each place sees itself and those before it. */
  readonly causal?: boolean
  /** Share of attention weights dropped while training. */
  readonly dropout?: number
}

/** Kernels `<name>.q`, `.k`, `.v`, `.o` [d, d] with variance 1/d. */
export const attentionInit = (key: HostKey, name: string, d: number): Record<string, Value> =>
  Object.fromEntries(
    ['q', 'k', 'v', 'o'].map((part) => [`${name}.${part}.kernel`, kernel(key.fold(`${name}.${part}.kernel`), [d, d], 'lecun')]),
  )

/** 0 at and below the diagonal, −10⁹ above: added to scores, it leaves nothing of the future. [t, t] */
function future(t: number): Tensor {
  const place = tf.range(0, t, 1, 'float32')
  return tf.cast(tf.greater(place.reshape([1, t]), place.reshape([t, 1])), 'float32').mul(-1e9)
}

/** [n, t, d] → [n, heads, t, d / heads]. */
const heads = (x: Tensor, count: number): Tensor => {
  const [n, t, d] = x.shape as [number, number, number]
  return x.reshape([n, t, count, d / count]).transpose([0, 2, 1, 3])
}

/**
 * Multi-head attention, Vaswani et al. 2017, equation 1 and section 3.2.2: softmax(q kᵀ/√(d/heads)) v for each head, then an
 * output product. h [n, t, d] → [n, t, d]; layers `<name>.q`, `.k`, `.v`, `.o`, biases where there are variables for them.
 * Announces the points of its layers, and `<name>.weights` [n, heads, t, t].
 */
export function attention(vars: Variables, name: string, h: Tensor, call: Call, options: AttentionOptions): Tensor {
  const [n, t, d] = h.shape as [number, number, number]
  const [q, k, v] = ['q', 'k', 'v'].map((part) => heads(dense(vars, `${name}.${part}`, h, call), options.heads)) as [Tensor, Tensor, Tensor]
  const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(d / options.heads))
  const weights = call.at(`${name}.weights`, tf.softmax(options.causal ? scores.add(future(t)) : scores))
  const kept = dropout(`${name}.weights`, weights, options.dropout ?? 0, call)
  const mixed = tf.matMul(kept, v).transpose([0, 2, 1, 3]).reshape([n, t, d])
  return dense(vars, `${name}.o`, mixed, call)
}
