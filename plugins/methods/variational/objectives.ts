import type { Engine } from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'

/** What is minimised: an upper bound on the risk as a function of the mean loss L in [0, 1] and of B = (KL + ln(2√n/δ))/n. */
export const boundNames = ['pac-bayes-kl', 'quadratic', 'mcallester'] as const
export type BoundName = (typeof boundNames)[number]

/** kl(q ‖ p) of two coins and its derivatives by p; p and q inside (0, 1). */
const apart = (q: Scalar, p: Scalar): { value: Scalar; slope: Scalar } => {
  const [nq, np] = [tf.sub<Scalar>(1, q), tf.sub<Scalar>(1, p)]
  const value = q.mul<Scalar>(q.div<Scalar>(p).log()).add<Scalar>(nq.mul(nq.div<Scalar>(np).log()))
  return { value, slope: nq.div<Scalar>(np).sub(q.div(p)) }
}

const edge = 1e-6

/**
 * The largest p with kl(L ‖ p) ≤ B, traced: Newton's steps from above, where kl is convex, and the derivatives of the implicit function,
 * ∂p/∂B = 1/s and ∂p/∂L = (ln((1−L)/(1−p)) − ln(L/p))/s with s = (1−L)/(1−p) − L/p.
 */
function klAbove(loss: Scalar, b: Scalar, engine: Engine): Scalar {
  const l = engine.stop(loss).clipByValue(edge, 1 - edge) as Scalar
  const c = engine.stop(b)
  // Pinsker's inequality: p ≤ L + √(B/2).
  let p = l.add(c.div(2).sqrt()).clipByValue(edge, 1 - edge) as Scalar
  for (let i = 0; i < 8; i++) {
    const { value, slope } = apart(l, p)
    p = p
      .sub<Scalar>(value.sub<Scalar>(c).div(slope.maximum(edge)))
      .maximum<Scalar>(l.add(edge))
      .minimum<Scalar>(1 - edge)
  }
  const { slope } = apart(l, p)
  const s = slope.maximum<Scalar>(edge)
  const byLoss = tf.sub(1, l).div(tf.sub(1, p)).log().sub(l.div(p).log()).div<Scalar>(s)
  const still = engine.stop(p)
  return still.add<Scalar>(engine.stop(byLoss).mul(loss.sub(l))).add<Scalar>(b.sub(c).div<Scalar>(engine.stop(s)))
}

/** The bound to be minimised, traced. Pérez-Ortiz et al. 2021, equations 3 to 5; the first by the inverse of kl itself. */
export function minimised(name: BoundName, loss: Scalar, b: Scalar, engine: Engine): Scalar {
  if (name === 'pac-bayes-kl') return klAbove(loss, b, engine)
  const half = b.div<Scalar>(2)
  if (name === 'mcallester') return loss.add<Scalar>(half.sqrt())
  return loss.add<Scalar>(half).sqrt<Scalar>().add<Scalar>(half.sqrt()).square<Scalar>()
}
