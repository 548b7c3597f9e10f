import type { Engine, HostKey, Key, Prediction, Problem, Tensors, Value, Values, Variables } from 'ockham'
import { InputError } from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { bind, parametric } from '../networks/index.js'
import { asInput } from './batches.js'
import { concatRows, rowsOf } from './rows.js'
import { flatten, map, unflatten } from './trees.js'

export interface PredictorOptions {
  /** Rows a pass; inputs are padded to it, so that one program serves inputs of any length. */
  readonly size?: number
  /** Predict as in training: dropout masks are drawn from the key of the call. */
  readonly train?: boolean
}

/** Predictions of weights at inputs `x`, of any length. */
export type Predictor = (vars: Variables<Value>, x: Values, key?: HostKey) => Promise<Prediction>

const refuse = (): never => {
  throw new InputError({
    code: 'OCK-MODEL-005',
    what: 'the model draws random numbers while predicting',
    where: 'model',
    remedy: 'draw only where call.train is true, or predict with a key',
  })
}

/** Stands where a pass must not draw. */
export const silent: Key = { fold: () => silent, normal: refuse, uniform: refuse, bernoulli: refuse, integers: refuse, permutation: refuse }

/** The model's predictive distribution as one compiled program that takes the weights as an argument. */
export function predictor(problem: Problem, engine: Engine, { size = 256, train = false }: PredictorOptions = {}): Predictor {
  const model = parametric(problem.model)
  const predict = (vars: Tensors, x: Tensors, key: Key): Prediction<Tensor> =>
    problem.objective.predict(bind(model, unflatten(vars), key, train)(asInput(x)))
  const still = engine.compile((a: { vars: Tensors; x: Tensors }) => predict(a.vars, a.x, silent))
  const drawing = engine.compile((a: { vars: Tensors; x: Tensors; key: Key }) => predict(a.vars, a.x, a.key))
  return async (vars, x, key) => {
    const weights = flatten(vars)
    const count = Object.values(x)[0]?.shape[0] ?? 0
    const parts: Prediction[] = []
    for (let start = 0; start < count; start += size) {
      const rows = map(x, (v) => rowsOf(v, start, size))
      const part = await (key ? drawing({ vars: weights, x: rows, key: key.fold(start) }) : still({ vars: weights, x: rows }))
      parts.push(trimmed(part, Math.min(size, count - start)))
    }
    return joined(parts)
  }
}

const trimmed = (p: Prediction, rows: number): Prediction => entries(p, (of) => rowsOf(of(p), 0, rows))

function joined(parts: readonly Prediction[]): Prediction {
  if (parts.length === 0)
    throw new InputError({
      code: 'OCK-TRAIN-004',
      what: 'there are no inputs to predict',
      where: 'predict',
      remedy: 'pass at least one row',
    })
  return entries(parts[0]!, (of) => concatRows(parts.map(of)))
}

/** Rebuilds a prediction field by field. */
function entries(like: Prediction, f: (of: (p: Prediction) => Value) => Value): Prediction {
  const field = (name: string) => f((p) => (p as unknown as Values)[name]!)
  if (like.kind === 'categorical') return { kind: 'categorical', probabilities: field('probabilities') }
  return { kind: 'normal', mean: field('mean'), variance: field('variance'), ...(like.noise && { noise: field('noise') }) }
}
