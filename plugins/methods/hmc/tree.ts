import { hamiltonian, leapfrog, type Phase, type Potential } from './phase.js'
import { divergence, type Transition, type Uniform } from './trajectory.js'

/** A stretch of a trajectory: its ends in time, a point drawn from it, and what its turning is judged by. */
interface Stretch {
  readonly first: Phase
  readonly last: Phase
  readonly drawn: Phase
  /** ln Σ exp(H₀ − H) over its points. */
  readonly weight: number
  /** Sum of its momenta [P]. */
  readonly momenta: Float64Array
  /** Sum of min(1, exp(H₀ − H)), and points. */
  readonly accepted: number
  readonly leaps: number
  readonly divergent: boolean
  /** False once it has turned back on itself, or diverged: it is not drawn from then. */
  readonly open: boolean
}

const logAdd = (a: number, b: number): number => {
  const top = Math.max(a, b)
  return top === -Infinity ? top : top + Math.log(Math.exp(a - top) + Math.exp(b - top))
}

const sum = (a: Float64Array, b: Float64Array): Float64Array => a.map((v, i) => v + b[i]!)

/** Whether the velocities at two ends still point along the momenta between them: Betancourt 2017, appendix A.4.2. */
function apart(first: Phase, last: Phase, momenta: Float64Array, inverse: Float64Array): boolean {
  let [a, b] = [0, 0]
  for (let i = 0; i < momenta.length; i++) {
    a += momenta[i]! * inverse[i]! * first.momentum[i]!
    b += momenta[i]! * inverse[i]! * last.momentum[i]!
  }
  return a > 0 && b > 0
}

/** Two neighbours, `early` before `late` in time, open where the whole, and each with the nearest point of the other, has not turned. */
function joined(early: Stretch, late: Stretch, drawn: Phase, inverse: Float64Array): Stretch {
  const momenta = sum(early.momenta, late.momenta)
  const whole =
    early.open &&
    late.open &&
    apart(early.first, late.last, momenta, inverse) &&
    apart(early.first, late.first, sum(early.momenta, late.first.momentum), inverse) &&
    apart(early.last, late.last, sum(early.last.momentum, late.momenta), inverse)
  return {
    first: early.first,
    last: late.last,
    drawn,
    weight: logAdd(early.weight, late.weight),
    momenta,
    accepted: early.accepted + late.accepted,
    leaps: early.leaps + late.leaps,
    divergent: early.divergent || late.divergent,
    open: whole,
  }
}

/**
 * One transition of the no-U-turn sampler (Hoffman and Gelman 2014), with points drawn by their weight exp(−H) instead of by slices, and the later half of each
 * doubling preferred (Betancourt 2017, appendix A). Grows to 2^depth − 1 steps at most.
 */
export async function noUTurn(
  potential: Potential,
  start: Phase,
  step: number,
  inverse: Float64Array,
  depth: number,
  uniform: Uniform,
): Promise<Transition> {
  const before = hamiltonian(start, inverse)

  const leaf = async (from: Phase, way: number): Promise<Stretch> => {
    const at = await leapfrog(potential, from, way * step, inverse)
    const grown = hamiltonian(at, inverse) - before
    const divergent = !(grown < divergence)
    const accepted = divergent ? 0 : Math.min(1, Math.exp(-grown))
    const weight = divergent ? -Infinity : -grown
    return { first: at, last: at, drawn: at, weight, momenta: at.momentum, accepted, leaps: 1, divergent, open: !divergent }
  }

  const grow = async (from: Phase, way: number, level: number): Promise<Stretch> => {
    if (level === 0) return leaf(from, way)
    const near = await grow(from, way, level - 1)
    if (!near.open) return near
    const far = await grow(way > 0 ? near.last : near.first, way, level - 1)
    // Within a doubling, points are drawn by weight alone.
    const chosen = Math.log(uniform()) < far.weight - logAdd(near.weight, far.weight) ? far.drawn : near.drawn
    return way > 0 ? joined(near, far, chosen, inverse) : joined(far, near, chosen, inverse)
  }

  let all: Stretch = {
    first: start,
    last: start,
    drawn: start,
    weight: 0,
    momenta: start.momentum,
    accepted: 0,
    leaps: 0,
    divergent: false,
    open: true,
  }
  for (let level = 0; level < depth && all.open; level++) {
    const way = uniform() < 0.5 ? -1 : 1
    const more = await grow(way > 0 ? all.last : all.first, way, level)
    const chosen = more.open && Math.log(uniform()) < more.weight - all.weight ? more.drawn : all.drawn
    all = way > 0 ? joined(all, more, chosen, inverse) : joined(more, all, chosen, inverse)
  }
  return { at: all.drawn, accepted: all.accepted / all.leaps, leaps: all.leaps, divergent: all.divergent }
}
