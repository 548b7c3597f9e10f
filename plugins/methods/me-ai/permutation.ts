import { slot, type Evaluation, type Posterior, type Problem, type Resolved } from 'ockham'
import { z } from 'zod'
import { mean } from '../../parts/evaluation/index.js'
import { shuffledLabels } from '../../parts/datasets/index.js'
import { fitsOf, learntFrom } from './metric.js'

export const permutationOptions = z.strictObject({
  of: slot('inference').describe('what is fitted on shuffled labels, as it was on the true ones'),
  permutations: z.int().positive().default(19).describe('shuffles; no p-value is below 1 / (1 + shuffles)'),
})

type Options = Resolved<z.output<typeof permutationOptions>>

/** Log evidence of a fit, a row; none where it has none. */
const evidenceOf = (fit: Posterior): readonly number[] => {
  const rows = fit.save().values['train.x']?.shape[0]
  return fit.evidence === undefined || rows === undefined ? [] : [fit.evidence / rows]
}

/**
 * What C would be if labels said nothing of features: the inference again on shuffled labels, each fit a durable stage. p is the share of fits, the
 * true one included, whose |C_ij| is as large (Phipson and Smyth 2010); `shuffled/p` the same of the evidence a row. With one direction |C| is near 1
 * whatever the labels say: then only the latter tells. Throws `OCK-MEAI-003` where the model has no metric.
 */
export const permutation = ({ of, permutations }: Options): Evaluation => ({
  async evaluate(posterior, problem, run) {
    const learnt = learntFrom(posterior, problem)
    const shuffled: ReturnType<typeof learntFrom>[] = []
    const evidences: number[] = []
    for (let k = 0; k < permutations; k++) {
      const inside: Problem = { ...problem, dataset: shuffledLabels({ of: problem.dataset, splits: ['train'], seed: k }) }
      const fit = await run.infer(`shuffle ${k}`, of, inside)
      shuffled.push(learntFrom(fit, inside))
      evidences.push(...fitsOf(fit).flatMap(evidenceOf).slice(0, 1))
    }
    const d = learnt.features.length
    const pairs = Array.from({ length: d * d }, (_, k) => [Math.floor(k / d), k % d] as const).filter(([i, j]) => i < j)
    const rows = pairs.map(([i, j]) => {
      const value = learnt.correlation.mean[i * d + j]!
      const chance = shuffled.map((s) => s.correlation.mean[i * d + j]!)
      const larger = chance.filter((c) => Math.abs(c) >= Math.abs(value)).length
      return {
        a: learnt.features[i]!,
        b: learnt.features[j]!,
        value,
        chance: mean(chance.map(Math.abs)),
        p: (1 + larger) / (1 + permutations),
      }
    })
    const own = fitsOf(posterior).flatMap(evidenceOf)
    const beaten = evidences.filter((v) => v >= mean(own)).length
    return {
      values:
        own.length > 0 && evidences.length > 0
          ? { 'shuffled/evidence': mean(evidences), 'shuffled/p': (1 + beaten) / (1 + permutations) }
          : {},
      tables: { permutation: rows },
    }
  },
})
