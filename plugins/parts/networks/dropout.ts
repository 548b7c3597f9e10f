import type { Call } from 'ockham'
import type { Tensor } from 'ockham/tensor'

/**
 * Dropout, Srivastava et al. 2014: while training each number is 0 with probability `rate`, else divided by 1 − rate.
 * The mask is drawn from the stream `name` below the call's key, so passes with one key share it. At other times h itself.
 */
export function dropout(name: string, h: Tensor, rate: number, call: Call): Tensor {
  if (!call.train || rate === 0) return h
  const mask = call.key.fold(name).bernoulli(1 - rate, h.shape)
  return h.mul(mask).div(1 - rate)
}
