/** Minus the logarithm of a density up to a constant, nats, and its gradient, at numbers [P]. */
export interface Height {
  readonly energy: number
  readonly gradient: Float64Array
}

/** U and its gradient as a function of the position. */
export type Potential = (position: Float64Array) => Promise<Height>

/** A point of phase space, with what is known of the potential there. */
export interface Phase extends Height {
  readonly position: Float64Array
  readonly momentum: Float64Array
}

/** ½ Σ p² / m of a diagonal mass, nats; `inverse` holds 1 / m [P]. */
export function kinetic(momentum: Float64Array, inverse: Float64Array): number {
  let sum = 0
  for (let i = 0; i < momentum.length; i++) sum += momentum[i]! * momentum[i]! * inverse[i]!
  return sum / 2
}

/** H = U + ½ Σ p² / m. Not finite where the potential is not. */
export const hamiltonian = ({ energy, momentum }: Phase, inverse: Float64Array): number => energy + kinetic(momentum, inverse)

/** a + c b, entry by entry. */
function plus(a: Float64Array, b: Float64Array, c: number): Float64Array {
  return a.map((v, i) => v + c * b[i]!)
}

/**
 * One leapfrog step of size ε, back in time where ε < 0 (Duane et al. 1987): half a kick, a drift by p / m, half a kick. It keeps volume and goes back
 * exactly with the momentum turned round, which is why accepting by H alone leaves exp(−H) as it is.
 */
export async function leapfrog(potential: Potential, at: Phase, step: number, inverse: Float64Array): Promise<Phase> {
  const half = plus(at.momentum, at.gradient, -step / 2)
  const position = at.position.map((q, i) => q + step * half[i]! * inverse[i]!)
  const there = await potential(position)
  return { position, momentum: plus(half, there.gradient, -step / 2), ...there }
}

/** A momentum of N(0, m): standard normal numbers [P] times √m. */
export const momentumOf = (noise: ArrayLike<number>, inverse: Float64Array): Float64Array => inverse.map((v, i) => noise[i]! / Math.sqrt(v))
