import type { Tensor } from '@tensorflow/tfjs-core'
import { composed } from '../composed/index.js'
import { kit } from '../kit.js'
import { replace } from './supply.js'

const { tf } = kit

/** Jᵀdy of what a kernel is made of, by one of its inputs. */
function by(x: Tensor, dy: Tensor, run: () => Tensor): Tensor {
  if (x.dtype !== 'float32') return tf.zeros(x.shape)
  const [gradient] = tf.engine().gradients(run, [x], dy, true).grads
  return gradient ?? tf.zerosLike(x)
}

for (const [kernel, { inputs, optional, of }] of Object.entries(composed)) {
  // Where inputs may be absent tfjs' own is kept, which is composed too. Its others have no second order, or there are none.
  if (optional) continue
  replace(kernel, [...inputs], (dy, saved, attrs) => {
    const given = Object.fromEntries(inputs.map((name, i) => [name, saved[i]!]))
    return Object.fromEntries(inputs.map((name) => [name, () => by(given[name]!, dy as Tensor, () => of(given, attrs))]))
  })
}
