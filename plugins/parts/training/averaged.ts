import type { Engine, Posterior, Prediction, Problem, Value, Variables } from 'ockham'
import { average } from './average.js'
import { predictor, type Predictor } from './predict.js'

/**
 * `predict` of a posterior whose predictions, unless a number of fresh samples is asked for, average those of `count` weights that are the same for
 * every input: `at(i)` gives the i-th. `plain` answers for samples.
 */
export function averagedOver(
  problem: Problem,
  engine: Engine,
  plain: Pick<Posterior, 'predict'>,
  count: number,
  at: (i: number) => Variables<Value> | Promise<Variables<Value>>,
): Posterior['predict'] {
  let predict: Predictor | undefined
  return async (x, asked = {}) => {
    if ((asked.samples ?? 0) > 0) return plain.predict(x, asked)
    predict ??= predictor(problem, engine)
    const members: Prediction[] = []
    for (let i = 0; i < count; i++) members.push(await predict(await at(i), x))
    return average(members)
  }
}
