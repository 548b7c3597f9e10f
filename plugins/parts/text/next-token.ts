import { InputError, type Objective } from 'ockham'
import { tf } from 'ockham/tensor'
import { surprisals } from '../gpt/index.js'

/**
 * Negative log-likelihood of the token after each, nats a token, averaged over a row's tokens; a row counts by how many it has where the dataset
 * says so (`weight: token`). Logits [n, t, V], y int32 [n, t] with −1 where none follows. Predicts the token after a whole row [n, V].
 * Throws `OCK-TEXT-003` for a dataset that is no text.
 */
export const nextToken = (): Objective => ({
  init({ dataset }) {
    if (dataset.meta.text) return {}
    throw new InputError({
      code: 'OCK-TEXT-003',
      what: `next-token needs a dataset of text, and the dataset's task is ${dataset.meta.task}`,
      where: 'objective',
      remedy: 'choose the dataset text, or another objective',
    })
  },
  loss(logits, batch) {
    const [n, t, vocabulary] = logits.shape as [number, number, number]
    const tokens = batch.y.reshape([-1])
    const sums = surprisals(logits.reshape([n * t, vocabulary]), tokens)
      .reshape([n, t])
      .sum(1)
    const counts = tf.cast(tf.greaterEqual(batch.y, tf.scalar(0, 'int32')), 'float32').sum(1)
    return { loss: sums.div(tf.maximum(counts, 1)) }
  },
  predict(logits) {
    const [n, t, vocabulary] = logits.shape as [number, number, number]
    return { kind: 'categorical', probabilities: tf.softmax(logits.slice([0, t - 1, 0], [n, 1, vocabulary]).reshape([n, vocabulary])) }
  },
})
