/*
 * Simplified training under class imbalance (Shwartz-Ziv et al. 2023): more smoothing for rarer classes, and sharpness-aware
 * descent whose ascent step looks at rare classes more.
 */
import type { Dataset, DatasetMeta, Evaluation, Objective, Optimizer, Value, Values } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { asBatch, batches, bind, parametric, sumSquares, value, zeros, zip } from './parts.js'

const trainCounts = (meta: DatasetMeta): readonly number[] => meta.counts?.['train']?.class ?? []

interface SmoothingOptions {
  readonly head: number
  readonly tail: number
}

/** ε of each class, from `head` for the most frequent to `tail` for the rarest, linear in the count. */
const smoothing = (counts: readonly number[], { head, tail }: SmoothingOptions): number[] => {
  const most = Math.max(...counts)
  const least = Math.min(...counts)
  return counts.map((n) => (most === least ? head : head + ((tail - head) * (most - n)) / (most - least)))
}

export const asymmetricSmoothing = (o: SmoothingOptions): Objective => ({
  init: ({ dataset }) => ({ epsilon: value(smoothing(trainCounts(dataset.meta), o)) }),

  loss(logits, batch, { memory }) {
    const classes = logits.shape[1]!
    const label = tf.oneHot(batch.y.cast('int32'), classes)
    const epsilon = label.mul(memory['epsilon']!).sum(1, true) // [n, 1]
    const target = label.mul(tf.sub(1, epsilon)).add(epsilon.div(classes))
    return { loss: target.mul(tf.logSoftmax(logits)).sum(1).neg() }
  },

  predict: (logits) => ({ kind: 'categorical', probabilities: tf.softmax(logits) }),
  // No `root`: a smoothed loss is not a negative log-likelihood, and Laplace says so instead of using it.
})

interface SamOptions {
  readonly base: Optimizer
  readonly rho: number
  readonly ascent: 'plain' | 'class-weighted'
}

/** SAM and SAM-A around any optimizer: the gradient arrives as a function, so it can be asked twice. */
export const sam = (o: SamOptions, { dataset }: { readonly dataset: Dataset }): Optimizer => ({
  init: o.base.init,

  update(at) {
    const counts = trainCounts(dataset.meta)
    const rarity = counts.map((n) => Math.max(...counts) / n)
    const ascent =
      o.ascent === 'plain'
        ? at.gradient(at.params)
        : at.gradient(at.params, (loss, batch, weight): Scalar => {
            const w = tf.gather(tf.tensor1d(rarity), batch.y.cast('int32')).mul(weight)
            return loss.mul(w).sum().div(w.sum())
          })
    const length = sumSquares(ascent).sqrt().add(1e-12)
    const there = zip(at.params, ascent, (p, g) => p.add(g.mul(o.rho).div(length)))
    // Only the pass at `params` changes state; decay stays with the base optimizer, at `params`.
    return o.base.update({ ...at, gradient: () => at.gradient(there) })
  },
})

/** How far apart class means lie against the spread within classes, from class sums of `head.in`. */
declare const collapseOf: (sums: Values, classes: number) => number

/** Neural collapse of the last features: one more pass over data, so one more fold. */
export const collapse = (o: { readonly split: string; readonly size: number }): Evaluation => ({
  async evaluate(posterior, problem, run) {
    const model = parametric(problem.model)
    const vars = posterior.weights!.point()
    const classes = problem.dataset.meta.classes!.length
    const width = vars.params['head.kernel']!.shape[0]!
    const blank: Record<string, Value> = { count: zeros([classes]), sum: zeros([classes, width]), square: zeros([classes, width]) }
    const sums = await run.fold('class-sums', {
      carry: blank,
      steps: Math.ceil(problem.dataset.meta.splits[o.split]! / o.size),
      feed: batches(problem.dataset, o.split, { size: o.size }),
      step({ count, sum, square }, feed, { engine, key }) {
        const { x, y, weight } = asBatch(feed)
        const h = bind(model, engine.capture(vars), key, false).points(x, ['head.in'])['head.in']!
        const member = tf.oneHot(y.cast('int32'), classes).mul(weight.expandDims(1))
        const add = (to: typeof h, rows: typeof h): typeof h => to.add(member.matMul(rows, true))
        return { carry: { count: count!.add(member.sum(0)), sum: add(sum!, h), square: add(square!, h.square()) } }
      },
    })
    return { values: { [`${o.split}/collapse`]: collapseOf(sums, classes) } }
  },
})
