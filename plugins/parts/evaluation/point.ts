import {
  hostKey,
  type Engine,
  type Key,
  type Posterior,
  type Prediction,
  type Problem,
  type Tensors,
  type Value,
  type Values,
  type Variables,
} from 'ockham'
import type { Tensor } from 'ockham/tensor'
import { bind, parametric } from '../networks/index.js'
import type { Predicts } from './predictions.js'

/**
 * The network at a posterior's point, and nothing else: what was trained before something was made of its uncertainty. Undefined where the
 * posterior is not over weights, or has no model to put them in.
 */
export function atPoint(posterior: Posterior, problem: Problem, engine: Engine): Predicts | undefined {
  if (!posterior.weights || !('apply' in problem.model)) return undefined
  const vars = posterior.weights.point()
  const model = parametric(problem.model)
  const program = engine.compile((a: { vars: Variables; x: Tensors; key: Key }): Prediction<Tensor> => {
    const x = a.x['x'] ?? Object.fromEntries(Object.entries(a.x).map(([name, t]) => [name.slice('x.'.length), t]))
    return problem.objective.predict(bind(model, a.vars, a.key, false)(x))
  })
  const predict = program as unknown as (a: { vars: Variables<Value>; x: Values; key: typeof still }) => Promise<Prediction>
  return { predict: (x) => predict({ vars, x, key: still }) }
}

const still = hostKey(0)
