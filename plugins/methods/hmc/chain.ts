import { Interrupted, type HostKey, type Run, type Values } from 'ockham'
import { value } from '../../parts/training/index.js'
import { inverseMassOf, noSpread, windowsOf, withPosition, type Spread } from './mass.js'
import { momentumOf, type Phase, type Potential } from './phase.js'
import { averaged, averagingFrom, firstStep, settled, type Averaging } from './step-size.js'
import type { Transition, Uniform } from './trajectory.js'

/** How a transition is made: by a trajectory of fixed length, or a tree. */
export type Move = (potential: Potential, start: Phase, step: number, inverse: Float64Array, uniform: Uniform) => Promise<Transition>

export interface ChainOptions {
  readonly warmup: number
  /** Draws that are kept. */
  readonly draws: number
  readonly thin: number
  readonly stepSize?: number | undefined
  readonly target: number
  readonly mass: 'diagonal' | 'identity'
}

/** What a chain came to. */
export interface Chain {
  /** Kept positions, each [P]. */
  readonly positions: readonly Float32Array[]
  /** U/T at each. */
  readonly energies: readonly number[]
  /** Mean acceptance and leapfrog steps a transition, after the warm-up. */
  readonly accepted: number
  readonly leaps: number
  /** Transitions after the warm-up that diverged. */
  readonly divergent: number
  readonly step: number
}

interface State {
  readonly at: Omit<Phase, 'momentum'>
  readonly averaging: Averaging
  readonly inverse: Float64Array
  readonly spread: Spread
}

const vector = (data: ArrayLike<number>) => value(data, [data.length], 'float64')

const packed = ({ at, averaging: a, inverse, spread }: State): Values => ({
  position: vector(at.position),
  gradient: vector(at.gradient),
  inverse: vector(inverse),
  'spread.mean': vector(spread.mean),
  'spread.squares': vector(spread.squares),
  numbers: vector([at.energy, spread.count, a.step, a.average, a.statistic, a.centre, a.count]),
})

function unpacked(saved: Values): State {
  const data = (name: string): Float64Array => saved[name]!.data as Float64Array
  const [energy, spreadCount, step, average, statistic, centre, count] = data('numbers') as unknown as number[]
  return {
    at: { position: data('position'), gradient: data('gradient'), energy: energy! },
    averaging: { step: step!, average: average!, statistic: statistic!, centre: centre!, count: count! },
    inverse: data('inverse'),
    spread: { count: spreadCount!, mean: data('spread.mean'), squares: data('spread.squares') },
  }
}

/** Uniform numbers from a stream, drawn sixteen at a time. */
function uniforms(key: HostKey): Uniform {
  let [used, lot, numbers] = [16, 0, key.uniform([16]).data]
  return () => {
    if (used === 16) [used, numbers] = [0, key.fold(lot++).uniform([16]).data]
    return numbers[used++]!
  }
}

/** Transitions between two checkpoints. */
const block = 50

/**
 * One chain from `start`: a warm-up that adapts step and mass, then draws. Every 50 transitions are a durable stage, so that a kill loses no more than these,
 * and a run that goes on gives the same bytes. Throws `OCK-RUN-003` where the run is interrupted.
 */
export async function chain(
  run: Run,
  name: string,
  potential: Potential,
  move: Move,
  start: Float64Array,
  options: ChainOptions,
): Promise<Chain> {
  const { warmup, draws, thin } = options
  const total = warmup + draws * thin
  const key = run.key.fold(name)
  let state: State | undefined
  const parts: Values[] = []
  for (let from = 0; from < total; from += block) {
    const before = state
    const values = await run.stage(`${name}, from ${from}`, async (inside) => {
      let now = before ?? (await begun(potential, start, key, options))
      const kept = { positions: [] as number[], energies: [] as number[], tallies: new Float64Array(4) }
      for (let t = from; t < Math.min(from + block, total); t++) {
        if (run.signal.aborted) throw interrupted(name, t)
        const made = await transition(potential, move, now, key.fold('transition').fold(t), t, options)
        now = made.state
        const { accepted, leaps, divergent } = made
        if (t >= warmup) [accepted, leaps, Number(divergent), 1].forEach((v, i) => (kept.tallies[i]! += v))
        if (t >= warmup && (t - warmup + 1) % thin === 0) {
          for (const q of now.at.position) kept.positions.push(q)
          kept.energies.push(now.at.energy)
        }
        const values = { energy: now.at.energy, acceptance: accepted, 'leapfrog-steps': leaps }
        inside.emit({ type: 'step', fold: name, step: t, of: total, values })
        // Leaves the thread to whoever waits: an interrupt above all.
        await new Promise(setImmediate)
      }
      return {
        ...packed(now),
        positions: value(kept.positions, [kept.energies.length, start.length]),
        energies: vector(kept.energies),
        tallies: vector(kept.tallies),
      }
    })
    state = unpacked(values)
    parts.push(values)
  }
  return summary(parts, state!)
}

async function begun(potential: Potential, start: Float64Array, key: HostKey, { stepSize }: ChainOptions): Promise<State> {
  const inverse = new Float64Array(start.length).fill(1)
  const at = { position: start, ...(await potential(start)) }
  const momentum = momentumOf(key.fold('first').normal([start.length]).data, inverse)
  const step = stepSize ?? (await firstStep(potential, { ...at, momentum }, inverse, 0.1))
  return { at, averaging: averagingFrom(step), inverse, spread: noSpread(start.length) }
}

async function transition(
  potential: Potential,
  move: Move,
  { at, averaging, inverse, spread }: State,
  key: HostKey,
  t: number,
  { warmup, stepSize, target, mass }: ChainOptions,
): Promise<Omit<Transition, 'at'> & { readonly state: State }> {
  const size = at.position.length
  const momentum = momentumOf(key.fold('momentum').normal([size]).data, inverse)
  const adapts = t < warmup
  const step = stepSize ?? (adapts ? averaging.step : settled(averaging))
  const { at: next, accepted, leaps, divergent } = await move(potential, { ...at, momentum }, step, inverse, uniforms(key.fold('uniform')))
  const made = { accepted, leaps, divergent }
  const place = { position: next.position, energy: next.energy, gradient: next.gradient }
  if (!adapts) return { ...made, state: { at: place, averaging, inverse, spread } }
  const { first, ends } = windowsOf(warmup)
  const tuned = averaged(averaging, accepted, target)
  const collects = mass === 'diagonal' && t >= first && t < (ends.at(-1) ?? 0)
  const wider = collects ? withPosition(spread, place.position) : spread
  if (!collects || !ends.includes(t + 1)) return { ...made, state: { at: place, averaging: tuned, inverse, spread: wider } }
  // Another mass wants another step: the search begins anew from the one that served the old.
  const learnt = inverseMassOf(wider)
  const fresh = { ...place, momentum: momentumOf(key.fold('restart').normal([size]).data, learnt) }
  const again = averagingFrom(stepSize ?? (await firstStep(potential, fresh, learnt, settled(tuned))))
  return { ...made, state: { at: place, averaging: again, inverse: learnt, spread: noSpread(size) } }
}

function summary(parts: readonly Values[], state: State): Chain {
  const tallies = [0, 1, 2, 3].map((i) => parts.reduce((sum, p) => sum + p['tallies']!.data[i]!, 0)) as [number, number, number, number]
  const [accepted, leaps, divergent, count] = tallies
  const positions = parts.flatMap((p) => {
    const { shape, data } = p['positions']!
    return Array.from({ length: shape[0]! }, (_, i) => Float32Array.from(data.subarray(i * shape[1]!, (i + 1) * shape[1]!)))
  })
  return {
    positions,
    energies: parts.flatMap((p) => Array.from(p['energies']!.data as ArrayLike<number>)),
    accepted: accepted / count,
    leaps: leaps / count,
    divergent,
    step: settled(state.averaging),
  }
}

const interrupted = (name: string, t: number): Interrupted =>
  new Interrupted({
    code: 'OCK-RUN-003',
    what: 'the run was interrupted',
    where: `${name}, transition ${t}`,
    remedy: 'ockham resume goes on from its last stage',
  })
