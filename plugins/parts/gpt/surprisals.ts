import { tf, type GradSaveFunc, type Tensor } from 'ockham/tensor'

/**
 * −log softmax(z)[y], nats, for logits [m, V] and tokens int32 [m]; 0 where a token is −1. As log Σ exp z − z[y], with the gradient
 * softmax(z) − e_y by hand: what is kept for it is one number a row beside the logits.
 */
export function surprisals(logits: Tensor, tokens: Tensor): Tensor {
  const [m, vocabulary] = logits.shape as [number, number]
  const there = tf.cast(tf.greaterEqual(tokens, tf.scalar(0, 'int32')), 'float32')
  const known = tf.maximum(tokens, tf.scalar(0, 'int32'))
  const places = tf.range(0, m, 1, 'int32').mul(tf.scalar(vocabulary, 'int32')).add(known)
  const ranked = tf.customGrad((given: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const z = given as Tensor
    const top = z.max(1, true)
    const total = z.sub(top).exp().sum(1, true).log().add(top)
    ;(save as GradSaveFunc)([z, total])
    const picked = tf.gather(z.reshape([m * vocabulary]), tf.cast(places, 'int32'))
    return {
      value: total.reshape([m]).sub(picked),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const row = dy.reshape([m, 1])
        const right = tf.equal(tf.range(0, vocabulary, 1, 'int32').reshape([1, vocabulary]), known.reshape([m, 1]))
        return saved[0]!.sub(saved[1]!).exp().sub(tf.cast(right, 'float32')).mul(row)
      },
    }
  })
  return ranked(logits).mul(there)
}
