import type { HostKey, Value } from 'ockham'
import type { Draw } from './graph.js'

/** The numbers of a draw, from the host key that it hangs on. */
export function drawn(key: HostKey, path: readonly (string | number)[], draw: Draw): Value {
  const stream = path.reduce<HostKey>((k, data) => k.fold(data), key)
  switch (draw.of) {
    case 'normal':
      return stream.normal(draw.shape)
    case 'uniform':
      return stream.uniform(draw.shape)
    case 'bernoulli':
      return stream.bernoulli(draw.p, draw.shape)
    case 'integers':
      return stream.integers(draw.shape, draw.below)
    case 'permutation':
      return stream.permutation(draw.n)
  }
}
