import { hamiltonian, leapfrog, type Phase, type Potential } from './phase.js'

/** What dual averaging remembers. */
export interface Averaging {
  /** Step that is tried next. */
  readonly step: number
  /** Weighted average of the logarithms of the steps that were tried. */
  readonly average: number
  readonly statistic: number
  /** ln of ten times the first step: where the steps are pulled to. */
  readonly centre: number
  readonly count: number
}

export const averagingFrom = (step: number): Averaging => ({ step, average: 0, statistic: 0, centre: Math.log(10 * step), count: 0 })

/** Hoffman and Gelman 2014, section 3.2: their choices of γ, t₀ and κ. */
const [pull, delay, decay] = [0.05, 10, 0.75]

/** One step of dual averaging towards a mean acceptance, Hoffman and Gelman 2014, equation 6; `accepted` is the acceptance just seen. */
export function averaged(at: Averaging, accepted: number, target: number): Averaging {
  const count = at.count + 1
  const share = 1 / (count + delay)
  const statistic = (1 - share) * at.statistic + share * (target - accepted)
  const log = at.centre - (Math.sqrt(count) / pull) * statistic
  const weight = count ** -decay
  return { ...at, count, statistic, step: Math.exp(log), average: weight * log + (1 - weight) * at.average }
}

/** The step to go on with when nothing is adapted any more. */
export const settled = ({ step, average, count }: Averaging): number => (count === 0 ? step : Math.exp(average))

/**
 * A first step, by doubling or halving from `guess` until the acceptance of one leapfrog step crosses one half (Hoffman and Gelman 2014, algorithm 4).
 */
export async function firstStep(potential: Potential, at: Phase, inverse: Float64Array, guess: number): Promise<number> {
  const start = hamiltonian(at, inverse)
  const likely = async (step: number): Promise<boolean> => {
    const change = start - hamiltonian(await leapfrog(potential, at, step, inverse), inverse)
    return change > Math.log(0.5)
  }
  let step = guess
  const up = await likely(step)
  for (let tries = 0; tries < 50; tries++) {
    const next = up ? 2 * step : step / 2
    if ((await likely(next)) !== up) return up ? step : next
    step = next
  }
  return step
}
