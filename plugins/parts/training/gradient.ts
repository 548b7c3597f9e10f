import type { Batch, Engine, Gradient, Key, Tensors } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { weightedMean, type Pass } from './pass.js'
import { map, sumSquares, zip } from './trees.js'

/** Replaces the gradient of the mean loss: by a balance of several losses, say. The prior's gradient is added to what it gives. */
export type Combine = (at: {
  readonly engine: Engine
  readonly key: Key
  readonly params: Tensors
  /** Loss an example [n] at other parameters: one forward pass, to be differentiated by the hook. */
  readonly loss: (params: Tensors) => Tensor
  readonly batch: Batch
}) => { readonly gradient: Tensors; readonly out?: Tensors }

/** The gradient as the optimizer asks for it, and what the first request found on its way. */
export interface Asked {
  readonly gradient: Gradient
  first(): { readonly pass: Pass; readonly loss: Scalar; readonly out: Tensors }
}

export interface AskOptions {
  readonly engine: Engine
  readonly key: Key
  readonly batch: Batch
  readonly examples: number
  /** The joint pass at parameters. */
  readonly pass: (params: Tensors) => Pass
  readonly clip?: number
  readonly combine?: Combine
}

/** Gradient of mean loss + energy / N. The pass of the first request is the one that changes state and memory. */
export function ask({ engine, key, batch, examples, pass, clip, combine }: AskOptions): Asked {
  let first: ReturnType<Asked['first']> | undefined
  const keep = (made: Pass, loss: Scalar, out: Tensors = {}): void => void (first ??= { pass: made, loss, out })

  const plain: Gradient = (params, reduce = (loss, _, weight) => weightedMean(loss, weight)) => {
    const { grads, aux } = engine.valueAndGrad((p) => {
      const made = pass(p)
      const loss = reduce(made.loss, batch, made.weight)
      return { value: loss.add<Scalar>(made.energy.div(examples)), aux: { pass: made, loss: weightedMean(made.loss, made.weight) } }
    }, params)
    keep(aux.pass, aux.loss)
    return grads
  }

  const combined =
    (hook: Combine): Gradient =>
    (params) => {
      const { grads, aux } = engine.valueAndGrad((p) => {
        const made = pass(p)
        return { value: made.energy.div<Scalar>(examples), aux: made }
      }, params)
      const { gradient, out } = hook({ engine, key, params, loss: (p) => pass(p).loss, batch })
      keep(aux, weightedMean(aux.loss, aux.weight), out)
      return zip(gradient, grads, (g, e) => g.add(e))
    }

  const whole = combine ? combined(combine) : plain
  return {
    gradient: clip === undefined ? whole : (params, reduce) => clipped(whole(params, reduce), clip),
    first: () => first!,
  }
}

/** The gradient, scaled down where its Euclidean norm over all parameters exceeds `norm` (Pascanu et al. 2013). */
export function clipped(gradient: Tensors, norm: number): Tensors {
  const factor = tf.scalar(norm).div(sumSquares(gradient).sqrt().maximum(norm))
  return map(gradient, (g) => g.mul(factor))
}
