/*
 * Function-space empirical Bayes. Rudner, Kapoor, Qiu, Wilson, "Function-Space Regularization in Neural Networks:
 * A Probabilistic Perspective", ICML 2023, arXiv 2312.17162.
 */
import type { Prior, Resolved, Tensors } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import type { z } from 'zod'
import { auxiliary } from '../../parts/datasets/index.js'
import { asInput, copy, inputsOf, prefix, sumSquares, under } from '../../parts/training/index.js'
import { functionEnergy } from './covariance.js'
import { strengths, type fsebOptions } from './options.js'

export type FsebOptions = Resolved<z.output<typeof fsebOptions>>

/** Rows of `x` from `start` on; several inputs are cut alike. */
const from = <X>(x: X, start: number): X =>
  (x instanceof tf.Tensor
    ? x.slice([start])
    : Object.fromEntries(Object.entries(x as Tensors).map(([name, t]) => [name, t.slice([start])]))) as X

/** Rows that stand for an example: those of the batch with weight, and all context rows. [n, 1] */
const counting = (weight: Tensor, contextRows: number): Tensor =>
  tf.concat([weight.greater(0).cast('float32'), tf.ones([contextRows])], 0).expandDims(1)

/** Energy Σ_k ½ f_kᵀ K⁻¹ f_k + ‖θ‖²/2v, nats; the negative log-density without log det K and constants, which have no gradient. */
export function fseb(options: FsebOptions): Prior {
  const { context, contextSize, points } = options
  const { covScale, covDiag, priorVar } = strengths(options)
  return {
    // φ0 is where training starts: a copy, since the start itself goes on to be trained.
    init: (_, vars) => prefix('phi0.', copy(vars.params)),

    energy({ engine, net, x, y, batch, batchRows, memory }): Scalar {
      const parameters = sumSquares(net.vars.params).div<Scalar>(2 * priorVar)
      const joint = points === 'joint'
      if (!joint && contextSize === 0) return parameters
      const inputs = joint ? x : from(x, batchRows)
      const outputs = joint ? y : from(y, batchRows)
      const rows = outputs.shape[0]
      const features = net.with(under('phi0.', memory)).points(inputs, ['head.in'])['head.in']!
      const mask = joint ? counting(batch.weight, rows - batchRows) : tf.ones([rows, 1])
      const table = (t: Tensor): Tensor => t.reshape([rows, -1])
      return functionEnergy(engine, table(outputs), table(features), mask, covScale, covDiag).add<Scalar>(parameters)
    },

    ...(contextSize > 0 &&
      ({
        async feed(step, key, problem) {
          const { dataset, split } = auxiliary(context, problem.dataset, 'context')
          const stream = key.fold('context').fold(step)
          const drawn = stream.integers([contextSize], dataset.meta.splits[split]!)
          return inputsOf(await dataset.read(split, drawn, stream.fold('augment')))
        },
        rows: asInput,
      } satisfies Partial<Prior>)),
  }
}
