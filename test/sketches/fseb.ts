/*
 * Function-space empirical Bayes (Rudner et al. 2023): a prior that likes functions which a random feature map calls smooth.
 * Energy ½ Σ_k f_kᵀ K⁻¹ f_k + ‖θ‖² / 2v over training and context points, nats for the whole data set.
 */
import type { Dataset, Prior } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { asInput, prefix, sumSquares, tail, under } from './parts.js'

interface Options {
  readonly context: Dataset
  readonly size: number
  readonly points: 'joint' | 'context'
  readonly covScale: number
  readonly covDiag: number
  readonly priorVar: number
}

export const fseb = (o: Options): Prior => ({
  // The feature map is the network as it starts: saved with every checkpoint, so that a resumed run has the same one.
  init: (_, vars) => prefix('phi0.', vars.params),

  feed(step, key) {
    const stream = key.fold('context').fold(step)
    const rows = stream.integers([o.size], o.context.meta.splits['train']!)
    return o.context.read('train', rows, stream.fold('augment'))
  },

  // Appended to the training pass, so that batch statistics come from both.
  rows: (feed) => asInput(feed),

  energy({ engine, net, x, y, batchRows, memory }): Scalar {
    const joint = o.points === 'joint'
    const inputs = joint ? x : tail(x, batchRows)
    const f = joint ? y : y.slice([batchRows])
    const features = net.with(under('phi0.', memory)).points(inputs, ['head.in'])['head.in']!
    const rows = f.shape[0]
    const K = features.matMul(features, false, true).add(1).mul(o.covScale).add(tf.eye(rows).mul(o.covDiag))
    const functions: Scalar = f.mul(engine.inverse(K).matMul(f)).sum().mul(0.5)
    return functions.add(sumSquares(net.vars.params).div(2 * o.priorVar))
  },
})
