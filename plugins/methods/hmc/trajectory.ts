import { hamiltonian, leapfrog, type Phase, type Potential } from './phase.js'

/** What one transition came to. */
export interface Transition {
  readonly at: Phase
  /** Mean acceptance along the way, by which the step adapts. */
  readonly accepted: number
  readonly leaps: number
  readonly divergent: boolean
}

/** Uniform numbers on [0, 1), one a call. */
export type Uniform = () => number

/** Growth of H beyond which a trajectory has left the path it should follow. */
export const divergence = 1000

/**
 * A trajectory of `leaps` leapfrog steps, accepted with probability min(1, exp(H₀ − H₁)) (Duane et al. 1987; Neal 2011). It ends early, and is refused, where
 * H grows by more than 1000 nats.
 */
export async function trajectory(
  potential: Potential,
  start: Phase,
  step: number,
  inverse: Float64Array,
  leaps: number,
  uniform: Uniform,
): Promise<Transition> {
  const before = hamiltonian(start, inverse)
  let at = start
  for (let i = 0; i < leaps; i++) {
    at = await leapfrog(potential, at, step, inverse)
    const grown = hamiltonian(at, inverse) - before
    if (!(grown < divergence)) return { at: start, accepted: 0, leaps: i + 1, divergent: true }
  }
  const accepted = Math.min(1, Math.exp(before - hamiltonian(at, inverse)))
  return { at: uniform() < accepted ? at : start, accepted, leaps, divergent: false }
}
