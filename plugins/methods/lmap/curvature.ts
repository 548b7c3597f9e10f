import type { Engine, HostKey, Key, Problem, Step, Tensors, Value, Values, Variables } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import { table } from '../../parts/context/index.js'
import { hvp } from '../../parts/derivatives/index.js'
import { bind, parametric } from '../../parts/networks/index.js'
import { asBatch, map, zip } from '../../parts/training/index.js'

/** The mean data loss over fixed rows as a function of the weights, with the model as it predicts: no dropout, running moments. */
export interface LossAt {
  loss(params: Values): Promise<number>
  /** H v, the Hessian of the loss at `params` times `v` [as params]. */
  product(params: Values, v: Values): Promise<Values>
  /** Mean over rows of ‖f(x; params + ψ) − f(x; params)‖². */
  change(params: Values, psi: Values): Promise<number>
  dispose(): void
}

interface At {
  readonly params: Tensors
  readonly batch: Tensors
  readonly memory: Tensors
  readonly key: Key
}

const sumInto = (sum: Record<string, Float64Array>, part: Values): void => {
  for (const [name, { data }] of Object.entries(part)) {
    const to = (sum[name] ??= new Float64Array(data.length))
    for (let i = 0; i < to.length; i++) to[i]! += data[i]!
  }
}

/** Programs over `batches`, each with `x`, `y`, `weight`, `index`, of one size. `key` is for objectives that draw. */
export async function lossAt(
  engine: Engine,
  problem: Problem,
  { frozen, state }: Variables<Value>,
  params: Values,
  batches: readonly Values[],
  key: HostKey,
): Promise<LossAt> {
  const model = parametric(problem.model)
  const memory = (await problem.objective.init?.(problem, { params, frozen, state }, key.fold('objective'))) ?? {}
  const net = (a: At, p: Tensors) => bind(model, { params: p, frozen: engine.capture(frozen), state: engine.capture(state) }, a.key, false)
  /** Σ w ℓ over a batch. */
  const total = (a: At, p: Tensors): Scalar => {
    const batch = asBatch(a.batch)
    const at = net(a, p)
    const y = at(batch.x)
    const step: Step = {
      engine,
      net: at,
      batch,
      x: batch.x,
      y,
      batchRows: batch.weight.shape[0],
      memory: a.memory,
      feed: {},
      key: a.key,
      progress: tf.scalar(0),
      examples: problem.examples,
    }
    const { loss, weight = batch.weight } = problem.objective.loss(y, batch, step)
    return loss.mul(weight).sum()
  }
  const value = engine.compile((a: At) => total(a, a.params))
  const second = engine.compile((a: At & { readonly v: Tensors }) => hvp(engine, (p) => total(a, p), a.params, a.v))
  const moved = engine.compile((a: At & { readonly v: Tensors }) => {
    const batch = asBatch(a.batch)
    const there = zip(a.params, a.v, (p, d) => p.add(d))
    const change = table(net(a, there)(batch.x).sub(net(a, a.params)(batch.x)))
    return change.square().sum(1).mul(batch.weight).sum()
  })
  const count = batches.reduce((sum, { weight }) => sum + Array.from(weight!.data).reduce((s, w) => s + w, 0), 0)
  const each = (batch: Values) => ({ batch, memory, key })
  const mean = async (of: (batch: Values) => Promise<Value>): Promise<number> => {
    let sum = 0
    for (const batch of batches) sum += (await of(batch)).data[0]!
    return sum / count
  }
  return {
    loss: (p) => mean((batch) => value({ params: p, ...each(batch) })),
    change: (p, v) => mean((batch) => moved({ params: p, v, ...each(batch) })),
    async product(p, v) {
      const sum: Record<string, Float64Array> = {}
      for (const batch of batches) sumInto(sum, await second({ params: p, v, ...each(batch) }))
      return map(p, ({ shape }, name) => ({ shape, dtype: 'float64', data: sum[name]!.map((x) => x / count) }))
    },
    dispose: () => [value, second, moved].forEach((program) => program.dispose()),
  }
}
