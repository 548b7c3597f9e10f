import type { Batch, Engine, HostKey, Key, Problem, Step, Value, Values, Variables } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { bind, parametric } from '../../parts/networks/index.js'
import { batches, stepsPerEpoch } from '../../parts/training/index.js'

/** The training split, once, in batches of static shape, and the loss of its examples. */
export interface Data {
  readonly size: number
  readonly steps: number
  feed(step: number, key: HostKey): Promise<Values>
  /** Loss an example [n], nats, of outputs that were computed in evaluation mode. Traced. */
  loss(y: Tensor, batch: Batch, engine: Engine, key: Key): Tensor
}

/** How many rows there are to take curvature from. Throws `OCK-LAPLACE-003` where there are none. */
export function trainingRows({ dataset }: Problem): number {
  const count = dataset.meta.splits['train'] ?? 0
  if (count > 0) return count
  throw new InputError({
    code: 'OCK-LAPLACE-003',
    what: 'the dataset has no training split to take curvature from',
    where: 'dataset',
    remedy: 'give it a split train',
  })
}

/** Curvature is that of the training data without augmentation. */
export async function dataOf(problem: Problem, vars: Variables<Value>, key: HostKey, given: number): Promise<Data> {
  const { dataset, objective } = problem
  const count = trainingRows(problem)
  const size = Math.min(given, count)
  const memory = (await objective.init?.(problem, vars, key)) ?? {}
  const feed = batches(dataset, 'train', { size })
  return {
    size,
    steps: stepsPerEpoch(count, size),
    feed,
    loss(y, batch, engine, stream) {
      const captured = engine.capture(vars) as Variables
      const step: Step = {
        engine,
        net: bind(parametric(problem.model), captured, stream, false),
        batch,
        x: batch.x,
        y,
        batchRows: batch.weight.shape[0],
        memory: engine.capture(memory),
        feed: {},
        key: stream,
        progress: tf.scalar(1),
        examples: problem.examples,
      }
      return objective.loss(y, batch, step).loss
    },
  }
}
