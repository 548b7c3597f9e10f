import type { Problem, Value, Variables } from 'ockham'
import { fitOf } from '../evaluation/fit.js'
import { predictionsOf } from '../evaluation/predictions.js'
import type { Predictor } from './predict.js'

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
