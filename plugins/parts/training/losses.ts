import { hostKey, type Engine, type Problem, type Tensors, type Value, type Variables } from 'ockham'
import { tf } from 'ockham/tensor'
import { bind, parametric } from '../networks/index.js'
import { asBatch, batches } from './batches.js'
import { silent } from './predict.js'

export interface LossOptions {
  /** Rows a pass. */
  readonly size: number
}

/**
 * The objective's mean loss of weights over a split, Σ w ℓ / Σ w in nats, in float64 over the passes, as one compiled program. It reads what is
 * fed and nothing else, so that outputs too large to keep (a distribution for every token) never leave a pass.
 */
export function meanLoss(
  problem: Problem,
  engine: Engine,
  { size }: LossOptions,
): (vars: Variables<Value>, split: string) => Promise<number> {
  const { dataset, objective, examples } = problem
  const model = parametric(problem.model)
  const program = engine.compile((a: { vars: Variables; feed: Tensors }) => {
    const batch = asBatch(a.feed)
    const net = bind(model, a.vars, silent, false)
    const y = net(batch.x)
    const rows = batch.weight.shape[0]
    const step = { engine, net, batch, x: batch.x, y, batchRows: rows, memory: {}, feed: {}, key: silent, progress: tf.scalar(0), examples }
    const { loss, weight = batch.weight } = objective.loss(y, batch, step)
    return { sum: loss.mul(weight).sum(), weight: weight.sum() }
  })
  // No sampler: every row once, in order, and nothing is drawn.
  return async (vars, split) => {
    const count = dataset.meta.splits[split] ?? 0
    const read = batches(dataset, split, { size: Math.min(size, count) })
    let [sum, weight] = [0, 0]
    for (let at = 0, step = 0; at < count; at += size, step++) {
      const pass = await program({ vars, feed: await read(step, hostKey(0)) })
      sum += pass.sum.data[0]!
      weight += pass.weight.data[0]!
    }
    return sum / weight
  }
}
