import { slot, type Engine, type Inference, type Optimizer, type Run, type Values } from 'ockham'
import { z } from 'zod'
import { warnOfTemperature } from '../../parts/bayes/index.js'
import { draws, drawsPosterior, Visits, worstOf } from '../../parts/chains/index.js'
import { descend, stepsPerEpoch } from '../../parts/training/index.js'
import { cyclicalFactor, quietly } from './cycles.js'
import { hamiltonianOptions, sghmc, type Dynamics } from './dynamics.js'

const whole = z.int().positive()

const shape = z.strictObject({
  optimizer: slot('optimizer').optional().describe('the dynamics: sgld, psgld, sghmc, baoa or sgnht; sghmc with its defaults unless given'),
  after: slot('inference').optional().describe('what finds where the chains start; fresh weights, or those of `initial`, unless given'),
  epochs: whole.default(50).describe('rounds over the data of each chain'),
  batchSize: whole.default(128).describe('examples a batch'),
  draws: whole.default(12).describe('weights that are kept, of all chains together'),
  burnIn: z.number().min(0).lt(1).default(0.5).describe('share of a chain, or with cycles of each cycle, before weights are kept'),
  cycles: whole
    .default(1)
    .describe('more than one: the learning rate falls along half a cosine in each, and there is no noise before weights are kept'),
  chains: whole.default(1).describe('chains that start apart'),
  clip: z.number().positive().optional().describe('largest norm of the gradient; the law that is sampled is then another'),
})

export const sgMcmcOptions = shape

export type SgMcmcOptions = Omit<z.output<typeof shape>, 'optimizer' | 'after'> & {
  readonly optimizer?: Optimizer | undefined
  readonly after?: Inference | undefined
}

/** Steps after which the weights of one chain are kept: evenly over what follows each burn-in. */
export function keptSteps(
  steps: number,
  count: number,
  cycles: number,
  burnIn: number,
): { readonly at: readonly number[]; readonly every: number } {
  const length = Math.floor(steps / cycles)
  // Several steps are one call of the engine, which ends at every look: looks are not closer than they need be.
  const every = Math.max(1, Math.min(32, Math.floor(((1 - burnIn) * length * cycles) / count)))
  const at = Array.from({ length: count }, (_, i) => {
    const cycle = Math.floor((i * cycles) / count)
    const first = Math.ceil((cycle * count) / cycles)
    const inside = Math.ceil(((cycle + 1) * count) / cycles) - first
    const share = burnIn + ((1 - burnIn) * (i - first + 1)) / inside
    return Math.max(every, Math.floor((cycle * length + length * share) / every) * every)
  })
  return { at, every }
}

/** A run whose streams are those of one chain. */
const chainOf = (run: Run, chain: number): Run => ({
  key: run.key.fold('chain').fold(chain),
  engine: run.engine,
  signal: run.signal,
  emit: (event) => run.emit(event),
  fold: (name, fold) => run.fold(name, fold),
  stage: (name, work) => run.stage(name, work),
  infer: (name, inference, problem) => run.infer(name, inference, problem),
})

/**
 * The weights that noisy descent visits, as a posterior: SGLD, SGHMC and their kin, in one chain or several, or in cycles (Zhang et al. 2020).
 * Looks at the weights only where it keeps some. Memory is `draws` times the weights, on the host.
 */
export const sgMcmc = (options: SgMcmcOptions, { engine: outer }: { readonly engine: Engine }): Inference => ({
  async infer(given, run) {
    const { cycles, burnIn, chains } = options
    const optimizer = options.optimizer ?? sghmc(hamiltonianOptions.parse({}))
    const { temperature = 1 } = optimizer as Partial<Dynamics>
    warnOfTemperature(run, 'posteriorTemperature', temperature)
    const problem = options.after ? { ...given, initial: await run.infer('fit', options.after, given) } : given
    const steps = options.epochs * stepsPerEpoch(problem.examples, options.batchSize)
    const cycle = { length: Math.floor(steps / cycles), explore: burnIn }
    const visited = []
    const each: Float64Array[][] = []
    let frozen = {}
    for (let chain = 0; chain < chains; chain++) {
      const count = Math.floor(((chain + 1) * options.draws) / chains) - Math.floor((chain * options.draws) / chains)
      const { every, at } = keptSteps(steps, count, cycles, burnIn)
      const visits = new Visits(every, at)
      const name = chains === 1 ? 'chain' : `chain${chain}`
      const { vars } = await descend(problem, chains === 1 ? run : chainOf(run, chain), {
        name,
        optimizer: cycles > 1 ? quietly(optimizer, cycle) : optimizer,
        steps,
        size: options.batchSize,
        ...(cycles > 1 && { schedule: { factor: (step: number) => cyclicalFactor(step, cycle) } }),
        ...(options.clip !== undefined && { clip: options.clip }),
        collect: visits,
      })
      visited.push(...visits.visited)
      each.push(visits.visited.map(({ params }) => someOf(params)))
      frozen = vars.frozen
    }
    judge(run, each)
    return drawsPosterior(problem, run.engine, { frozen, visited })
  },
  restore: (saved, problem) => drawsPosterior(problem, outer, draws(saved)),
  plan: (problem) => ({
    ...options.after?.plan?.(problem),
    steps: options.chains * options.epochs * stepsPerEpoch(problem.examples, options.batchSize),
    draws: options.draws,
  }),
})

/** Weights of a draw that are looked at: some two hundred of each parameter, evenly spaced. */
function someOf(params: Values): Float64Array {
  const parts = Object.values(params).map(({ data }) => {
    const count = Math.min(data.length, 200)
    return Array.from({ length: count }, (_, k) => data[Math.floor((k * data.length) / count)]!)
  })
  return Float64Array.from(parts.flat())
}

/** Draws of a chain from which its numbers say anything. */
const enough = 50

/** Emits whether chains agree and how many draws they are worth, of the worst of some weights. Cycles start anew, so that a drift between them shows. */
function judge(run: Run, chains: readonly (readonly Float64Array[])[]): void {
  if (chains.some((draws) => draws.length < enough)) return
  const worst = worstOf(chains)
  if (worst)
    run.emit({ type: 'evaluation', name: 'sg-mcmc', values: { 'train/r-hat': worst.rHat, 'train/effective-size': worst.effective } })
}
