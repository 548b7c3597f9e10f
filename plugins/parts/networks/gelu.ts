import { tf, type Tensor } from 'ockham/tensor'
import { byHand } from './by-hand.js'

/** x Φ(x), Hendrycks and Gimpel 2016, exact: Φ by the error function. */
export const gelu = (x: Tensor): Tensor => x.mul(tf.erf(x.mul(Math.SQRT1_2)).add(1).mul(0.5))

const slope = 2 * Math.sqrt(2 / Math.PI)
const cubic = 0.044715 * slope

/** σ(z) with z = x (a + b x²): the tanh form ½ (1 + tanh(z/2)) written as one sigmoid, which takes fewer passes. */
const gate = (x: Tensor): Tensor => x.mul(x.square().mul(cubic).add(slope)).sigmoid()

/**
 * ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), Hendrycks and Gimpel 2016, section 2: the usual approximation of {@link gelu}.
 * With s = σ(z) and z = x (a + b x²) it is x s, and its derivative s + x s (1 − s) (a + 3 b x²).
 */
export const geluTanh = byHand(
  (x) => x.mul(gate(x)),
  (dy, x) => {
    const s = gate(x)
    const bend = x.mul(s).mul(tf.sub(1, s))
    return [
      dy.mul(
        x
          .square()
          .mul(3 * cubic)
          .add(slope)
          .mul(bend)
          .add(s),
      ),
    ]
  },
)
