/* Small models with known Gram matrices, and the energy of a prior at weights. */
import type { Engine, Key, Model, Prior, Problem, Tensors, Value, Values } from 'ockham'
import { hostKey } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { gaussian } from '../../parts/objectives/index.js'
import { jointPass, value } from '../../parts/training/index.js'
import { inMemory } from '../../parts/training/testing.js'

/** A model that is a formula of its parameters; x [n, d] → [n, outputs]. */
export const formula = (params: Values, f: (p: Tensors, x: Tensor) => Tensor): Model => ({
  init: () => ({ params, frozen: {}, state: {} }),
  apply: (vars, x) => f(vars.params, x as Tensor),
})

/** f = w₁ w₂ x, of brief T2: G is singular everywhere. */
export const product = (w: readonly [number, number]): Model =>
  formula({ w: value(w) }, ({ w: p }, x) => x.mul(p!.slice([0], [1])).mul(p!.slice([1], [1])))

/** f(x) = 1.5 tanh(0.8 x + 0.1) + 0.7 tanh(−1.1 x − 0.3) + 0.2, of brief T3, as a network of two units. */
export const twoUnits: Values = {
  u: value([0.8, -1.1], [1, 2]),
  c: value([0.1, -0.3]),
  v: value([1.5, 0.7], [2, 1]),
  d: value([0.2]),
}
export const network = formula(twoUnits, ({ u, c, v, d }, x) => x.matMul(u!).add(c!).tanh().matMul(v!).add(d!))

/** A problem over points `x` with the prior under test; targets are zero. */
export const problemOf = (model: Model, prior: Prior, x: Value, outputs = 1): Problem => {
  const n = x.shape[0]!
  return {
    model,
    dataset: inMemory({ train: { x, y: value(new Float32Array(n * outputs), [n, outputs]) } }),
    objective: gaussian({ noise: 1 }),
    prior,
    examples: n,
  }
}

/** Energy of the prior and its gradient over all rows of the problem, with draws from `seed`; a program to be called again and again. */
export function energyOf(engine: Engine, problem: Problem, precision: 'float32' | 'float64' = 'float32') {
  const program = engine.compile(
    (a: { params: Tensors; x: Tensor; y: Tensor; weight: Tensor; index: Tensor; key: Key }) => {
      const { value: energy, grads } = engine.valueAndGrad((params) => {
        const pass = jointPass(problem, {
          vars: { params, frozen: {}, state: {} },
          batch: { x: a.x, y: a.y, weight: a.weight, index: a.index },
          memory: { objective: {}, prior: {} },
          feed: { objective: {}, prior: {} },
          key: a.key,
          engine,
          progress: tf.scalar(0),
        })
        return { value: pass.energy.add<Scalar>(0), aux: null }
      }, a.params)
      return { energy, grads }
    },
    { precision },
  )
  const n = problem.examples
  const index = value(
    Array.from({ length: n }, (_, i) => i),
    [n],
    'int32',
  )
  return async (params: Values, seed = 0, weight: Value = value(new Float32Array(n).fill(1))) => {
    const { x, y } = (await problem.dataset.read('train', index)) as { x: Value; y: Value }
    const { energy, grads } = await program({ params, x, y, weight, index, key: hostKey(seed) })
    return { energy: energy.data[0]!, grads: grads as Values }
  }
}
