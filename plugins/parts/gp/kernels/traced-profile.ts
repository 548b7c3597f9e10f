import { tf, type Tensor } from 'ockham/tensor'
import { exponential, matern, type Profile } from './profile.js'

/** A profile inside a traced function of double precision. The runtime gives h = log s − u/2, a product, and log s [1, 1]. */
export interface TracedProfile {
  /** K = s f(u). */
  value(h: Tensor, logVariance: Tensor): Tensor
  /** s f′(u); left out where it is −K/2. */
  slope?(h: Tensor, logVariance: Tensor): Tensor
}

/** √(c u). Rounding makes h of equal rows a little more than log s. */
const root = (h: Tensor, logVariance: Tensor, c: number): Tensor => tf.relu(logVariance.sub(h).mul(2 * c)).sqrt()

/** s e^−r. */
const decayed = (r: Tensor, logVariance: Tensor): Tensor => logVariance.sub(r).exp()

const squaredExponential: TracedProfile = { value: (h) => h.exp() }

const threeHalves: TracedProfile = {
  value(h, logVariance) {
    const r = root(h, logVariance, 3)
    return r.add(1).mul(decayed(r, logVariance))
  },
  slope: (h, logVariance) => decayed(root(h, logVariance, 3), logVariance).mul(-1.5),
}

/** Divisions where products would do: constants in traced code are float32. */
const fiveHalves: TracedProfile = {
  value(h, logVariance) {
    const r = root(h, logVariance, 5)
    return r.div(3).add(1).mul(r).add(1).mul(decayed(r, logVariance))
  },
  slope(h, logVariance) {
    const r = root(h, logVariance, 5)
    return r.add(1).mul(decayed(r, logVariance)).mul(-5).div(6)
  },
}

/**
 * Profiles that the runtime makes. u comes from products, so that near u = 0 its root keeps half the digits: f and f′ of these are smooth enough
 * there not to show it, as those of Matérn 1/2 are not.
 */
export const traced: ReadonlyMap<Profile, TracedProfile> = new Map([
  [exponential, squaredExponential],
  [matern['3/2'], threeHalves],
  [matern['5/2'], fiveHalves],
])
