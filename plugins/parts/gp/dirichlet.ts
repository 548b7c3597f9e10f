import type { Objective, Value } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor1D } from 'ockham/tensor'
import { z } from 'zod'

export const dirichletOptions = z.strictObject({
  alpha: z.number().positive().default(0.01).describe('α_ε, pseudo-count of every class; smaller is sharper'),
})

/** One output's targets and the variances of their noise, [n] each. */
export interface Observed {
  readonly target: Float64Array
  readonly noise: Float64Array
}

/** An objective that can also state labels as Gaussian targets, one data set a class. */
export interface TargetObjective extends Objective {
  targets(labels: Value, classes: number): readonly Observed[]
}

/** Mean and variance of the log-normal that has mean and variance α: σ² = log(1 + 1/α), ỹ = log α − σ²/2. */
export function logNormal(alpha: number): { target: number; noise: number } {
  const noise = Math.log(1 / alpha + 1)
  return { target: Math.log(alpha) - noise / 2, noise }
}

/** Labels as Gaussian targets with known noise: Milios et al. 2018, equations 6 to 8. */
export function dirichlet({ alpha }: z.output<typeof dirichletOptions>): TargetObjective {
  const [off, on] = [logNormal(alpha), logNormal(alpha + 1)]
  return {
    targets: (labels, classes) =>
      Array.from({ length: classes }, (_, c) => ({
        target: Float64Array.from(labels.data, (y) => (y === c ? on : off).target),
        noise: Float64Array.from(labels.data, (y) => (y === c ? on : off).noise),
      })),
    init({ dataset }) {
      if (dataset.meta.classes) return {}
      throw new InputError({
        code: 'OCK-GP-001',
        what: `the objective dirichlet needs class labels, and the dataset's task is ${dataset.meta.task}`,
        where: 'objective',
        remedy: 'choose a classification dataset, or the objective gaussian',
      })
    },
    loss(f, { y }) {
      const label = tf.oneHot(y.cast<Tensor1D>('int32'), f.shape[1]!).cast('float32')
      const pick = (a: number, b: number) => label.mul(a - b).add(b)
      const variance = pick(on.noise, off.noise)
      const error = f.sub(pick(on.target, off.target))
      return {
        loss: error
          .square()
          .div(variance)
          .add(variance.mul(2 * Math.PI).log())
          .mul(0.5)
          .sum(1),
      }
    },
    predict: (f) => ({ kind: 'categorical', probabilities: tf.softmax(f) }),
  }
}

export const statesTargets = (objective: Objective): objective is TargetObjective =>
  typeof (objective as Partial<TargetObjective>).targets === 'function'
