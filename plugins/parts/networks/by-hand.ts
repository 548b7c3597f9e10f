import { tf, type GradSaveFunc, type Tensor } from 'ockham/tensor'

/**
 * `forward(...xs)` with a gradient written by hand: `pull(dy, ...xs)` gives one gradient an input.
 * Only inputs are kept, so that `pull` computes again what it shares with `forward`: the engine merges equal expressions, and a
 * pull made of differentiable operations has derivatives of its own.
 */
export function byHand(forward: (...xs: Tensor[]) => Tensor, pull: (dy: Tensor, ...xs: Tensor[]) => Tensor[]): (...xs: Tensor[]) => Tensor {
  const made = tf.customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const save = args.at(-1) as GradSaveFunc
    const xs = args.slice(0, -1) as Tensor[]
    save(xs)
    return { value: forward(...xs), gradFunc: (dy: Tensor, kept: Tensor[]) => pull(dy, ...kept) }
  })
  return (...xs) => made(...xs)
}
