import type { Engine, Problem, Value, Variables } from 'ockham'
import { fitOf } from '../evaluation/fit.js'
import { predictionsOf } from '../evaluation/predictions.js'
import { meanLoss } from './losses.js'
import { predictor, type Predictor } from './predict.js'

/**
 * Mean negative log-likelihood (nats an example), with accuracy or root mean squared error, of weights on a split: the numbers that the
 * evaluation `calibration` gives, in the target's original units. Throws `OCK-EVAL-001` … `-004`.
 */
export async function validate(
  { dataset }: Problem,
  predict: Predictor,
  vars: Variables<Value>,
  split: string,
): Promise<Record<string, number>> {
  const found = await predictionsOf({ predict: (x) => predict(vars, x) }, dataset, split)
  return Object.fromEntries(Object.entries(fitOf(found, split)).map(([name, v]) => [`${split}/${name}`, v]))
}

/** What validates weights while they are learnt: {@link validate}, or for text, whose predictions are a distribution a token, the loss alone. */
export function validator(
  problem: Problem,
  engine: Engine,
  size: number,
): (vars: Variables<Value>, split: string) => Promise<Record<string, number>> {
  if (problem.dataset.meta.text) {
    const loss = meanLoss(problem, engine, { size })
    return async (vars, split) => ({ [`${split}/nll`]: await loss(vars, split) })
  }
  const predict = predictor(problem, engine)
  return (vars, split) => validate(problem, predict, vars, split)
}
