import { InputError, slot, type Dataset, type Evaluation, type Resolved, type Value } from 'ockham'
import { z } from 'zod'
import { auroc, correctness, decisions, mean } from '../../parts/evaluation/index.js'

export const transferOptions = z.strictObject({
  to: slot('dataset').describe('the other table: the same features in the same order, labels of the same meaning'),
  positive: z.int().min(0).default(1).describe('class that is ranked for, by its place in label order'),
})

type Options = Resolved<z.output<typeof transferOptions>>

const widthOf = ({ meta }: Dataset): number => (meta.shapes['x']?.shape ?? []).reduce((n, s) => n * s, 1)

/** Under the scaling that was learnt with, never under its own. */
const underScaling = (to: Dataset, of: Dataset): Dataset => to.rescaled?.(of.scaling) ?? to

/** Train on one table, score another: area under the ROC curve, accuracy, and shares of each class above one half. `OCK-MEAI-004`. */
export const transfer = ({ to, positive }: Options): Evaluation => ({
  async evaluate(posterior, problem) {
    if (widthOf(to) !== widthOf(problem.dataset))
      throw new InputError({
        code: 'OCK-MEAI-004',
        what: `the other table has ${widthOf(to)} features, and ${widthOf(problem.dataset)} were learnt from`,
        where: 'transfer.to',
        remedy: 'name the same columns in the option features of both',
      })
    const other = underScaling(to, problem.dataset)
    const scores: number[] = []
    const labels: number[] = []
    let right = 0
    const splits = to.split ? [to.split] : Object.keys(to.meta.splits)
    for (const split of splits) {
      const n = to.meta.splits[split]!
      const rows: Value = { shape: [n], dtype: 'int32', data: Int32Array.from({ length: n }, (_, i) => i) }
      const { x, y } = await other.read(split, rows)
      const found = await posterior.predict({ x: x! })
      if (found.kind !== 'categorical' || !y) continue
      const c = found.probabilities.shape[1]!
      right += mean(correctness(decisions(found.probabilities.data, c).predicted, y.data)) * n
      for (let i = 0; i < n; i++) {
        scores.push(found.probabilities.data[i * c + positive]!)
        labels.push(y.data[i]!)
      }
    }
    const yes = scores.filter((_, i) => labels[i] === positive)
    const no = scores.filter((_, i) => labels[i] !== positive)
    if (yes.length === 0 || no.length === 0)
      throw new InputError({
        code: 'OCK-MEAI-005',
        what: `the other table has ${yes.length} rows of the class and ${no.length} of others`,
        where: 'transfer.to',
        remedy: 'a ranking needs both',
      })
    const above = (some: readonly number[]): number => some.filter((p) => p > 0.5).length / some.length
    return {
      values: {
        'transfer/auroc': auroc(yes, no),
        'transfer/accuracy': right / scores.length,
        'transfer/positive-above-half': above(yes),
        'transfer/negative-above-half': above(no),
      },
      tables: { transfer: scores.map((score, i) => ({ row: i + 1, score, label: labels[i]! })) },
    }
  },
})
