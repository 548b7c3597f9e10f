import { tf, type Tensor } from 'ockham/tensor'

/** Elementwise functions between layers, by the name that options use. */
export const activations = {
  relu: (x: Tensor): Tensor => x.relu(),
  tanh: (x: Tensor): Tensor => x.tanh(),
  sigmoid: (x: Tensor): Tensor => x.sigmoid(),
  softplus: (x: Tensor): Tensor => x.softplus(),
  /** x Φ(x), Hendrycks and Gimpel 2016, exact. */
  gelu: (x: Tensor): Tensor => x.mul(tf.erf(x.mul(Math.SQRT1_2)).add(1).mul(0.5)),
  /** x σ(x), also called swish. */
  silu: (x: Tensor): Tensor => x.mul(x.sigmoid()),
  identity: (x: Tensor): Tensor => x,
} as const

export type Activation = keyof typeof activations
