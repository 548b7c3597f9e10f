import type { Batch, Engine, Input, Key, Problem, Step, Tensors, Variables } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { bind, parametric } from '../networks/index.js'

/** Something for each of the two terms. */
export interface Terms<T> {
  readonly objective: T
  readonly prior: T
}

/** What a pass starts from; traced. */
export interface PassInput {
  readonly vars: Variables
  readonly batch: Batch
  readonly memory: Terms<Tensors>
  readonly feed: Terms<Tensors>
  readonly key: Key
  readonly engine: Engine
  /** Share of the steps done, in [0, 1). */
  readonly progress: Scalar
  /** Whether it is known that no row of the batch is padding, which spares a batch norm the asking. */
  readonly whole?: boolean
}

/** What a pass gives. */
export interface Pass {
  /** Loss an example of the batch [n], nats. */
  readonly loss: Tensor
  /** How much each counts [n]. */
  readonly weight: Tensor
  /** Energy of the prior, nats for the whole data set. */
  readonly energy: Scalar
  /** The model's state afterwards. */
  readonly state: Tensors
  readonly memory: Terms<Tensors>
}

const each = <X extends Input>(x: X, f: (t: Tensor, name: string) => Tensor): X =>
  (x instanceof tf.Tensor ? f(x, '') : Object.fromEntries(Object.entries(x).map(([name, t]) => [name, f(t, name)]))) as X

/** Rows of `a`, then rows of `b`. */
const below = (a: Input, b: Input): Input => each(a, (t, name) => tf.concat([t, name === '' ? (b as Tensor) : (b as Tensors)[name]!], 0))

const rowsOf = (x: Input): number => (x instanceof tf.Tensor ? x : Object.values(x)[0]!).shape[0]

/** Which rows count in statistics over a pass: those of the batch with weight, and all that a prior asks for. */
const counting =
  (batch: Batch, joint: Input) =>
  (x: Input): Tensor | undefined => {
    if (x === batch.x) return batch.weight
    return x === joint ? tf.concat([batch.weight, tf.ones([rowsOf(joint) - batch.weight.shape[0]])]) : undefined
  }

/** One joint pass through the model over batch and prior rows, and what the two terms make of it. */
export function jointPass(problem: Problem, { vars, batch, memory, feed, key, engine, progress, whole = false }: PassInput): Pass {
  const { objective, prior, examples } = problem
  const extra = prior.rows?.(feed.prior, batch)
  const x = extra === undefined ? batch.x : below(batch.x, extra)
  const batchRows = batch.weight.shape[0]
  const net = bind(parametric(problem.model), vars, key.fold('net'), true, whole ? {} : { rows: counting(batch, x) })
  const y = net(x)
  const step = (term: keyof Terms<unknown>): Step => ({
    engine,
    net,
    batch,
    x,
    y,
    batchRows,
    memory: memory[term],
    feed: feed[term],
    key: key.fold(term),
    progress,
    examples,
  })
  const data = objective.loss(extra === undefined ? y : each(y, (t) => t.slice([0], [batchRows])), batch, step('objective'))
  const asked = prior.energy(step('prior'))
  const { energy, memory: remembered } = asked instanceof tf.Tensor ? { energy: asked, memory: memory.prior } : asked
  return {
    loss: data.loss,
    weight: data.weight ?? batch.weight,
    energy: scalar(energy),
    state: net.state(),
    memory: { objective: data.memory ?? memory.objective, prior: remembered },
  }
}

/** An energy is one number. Throws `OCK-TRAIN-011` for any other shape. */
function scalar(energy: Tensor): Scalar {
  if (energy.rank === 0) return energy as Scalar
  throw new InputError({
    code: 'OCK-TRAIN-011',
    what: `the prior's energy is of shape [${energy.shape.join(', ')}], not a scalar`,
    where: 'prior.energy',
    remedy: 'sum over everything: energy.sum()',
  })
}

/** Σ w ℓ / Σ w. */
export const weightedMean = (loss: Tensor, weight: Tensor): Scalar => loss.mul(weight).sum().div<Scalar>(weight.sum())
