import type { Optimizer, Tensors, Value, Values } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { like, map, prefix, under, zip } from './trees.js'

const name = 'accumulated.'

/** What is carried beside the parameters where gradients are accumulated: their sum so far. */
export const accumulated = (params: Values, parts: number): Record<string, Value> => (parts > 1 ? prefix(name, like(params)) : {})

type Update = Parameters<Optimizer['update']>[0]
type Updated = ReturnType<Optimizer['update']>

export interface Accumulation {
  /** Batches an update. */
  readonly parts: number
  /** Batches in all: the last group may be smaller. */
  readonly steps: number
  /** What is done to the mean gradient before the optimizer sees it. */
  readonly then: (gradient: Tensors) => Tensors
}

const stretched = (take: Tensor, { rank, shape }: Tensor): Tensor =>
  rank === 0 ? take : tf.tile(take.reshape(Array<number>(rank).fill(1)), shape)

/** b where `take` is true, else a. */
const choose = (take: Tensor, a: Tensors, b: Tensors): Record<string, Tensor> =>
  zip(a, b, (old, now) => tf.where(stretched(take, old), now, old))

/**
 * One batch of an update from several: its gradient is added to the sum in the carry; the group's last batch updates with the mean. The
 * memory a step takes is that of one batch and one more gradient.
 * @throws InputError OCK-TRAIN-021 where the optimizer asks for a gradient twice.
 */
export function accumulate(
  optimizer: Optimizer,
  at: Update,
  carry: Tensors,
  { parts, steps, then }: Accumulation,
): Updated & { carry: Tensors } {
  const sum = zip(at.gradient(at.params), under(name, carry), (g, s) => s.add(g))
  const place = at.step.mod(parts)
  const last = tf.logicalOr(tf.equal(place, parts - 1), tf.equal(at.step, steps - 1))
  const mean = then(map(sum, (s) => s.div(place.add(1))))
  let asks = 0
  const gradient = (): Tensors => {
    if (asks++ === 0) return mean
    throw new InputError({
      code: 'OCK-TRAIN-021',
      what: 'the optimizer asks for the gradient at more than one place, and an accumulated gradient is known at one',
      where: 'inference.accumulate',
      remedy: 'choose an optimizer that asks once, such as adam, or leave accumulate out',
    })
  }
  const made = optimizer.update({ ...at, gradient, step: at.step.div<Scalar>(parts).floor() })
  return {
    params: choose(last, at.params, made.params),
    memory: choose(last, at.memory, made.memory),
    carry: prefix(
      name,
      choose(
        last,
        sum,
        map(sum, (s) => tf.zerosLike(s)),
      ),
    ),
  }
}
