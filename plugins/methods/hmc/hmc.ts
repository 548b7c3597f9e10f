/*
 * Duane, Kennedy, Pendleton, Roweth, "Hybrid Monte Carlo", Physics Letters B 195, 1987; Neal, "MCMC using Hamiltonian dynamics", 2011; Hoffman and
 * Gelman, "The No-U-Turn Sampler", JMLR 15, 2014; Betancourt, "A conceptual introduction to Hamiltonian Monte Carlo", 2017, arXiv 1701.02434.
 */
import type { Engine, Inference, Problem, Run, Value, Variables } from 'ockham'
import type { z } from 'zod'
import { warnOfTemperature } from '../../parts/bayes/index.js'
import { draws, drawsPosterior, effectiveSize, splitRHat, worstOf } from '../../parts/chains/index.js'
import { parametric } from '../../parts/networks/index.js'
import { initialVariables } from '../../parts/training/index.js'
import { chain, type Chain, type Move } from './chain.js'
import type { hmcOptions, nutsOptions } from './options.js'
import { potentialOf, refuse } from './potential.js'
import { trajectory } from './trajectory.js'
import { noUTurn } from './tree.js'

type Filled<T> = Omit<T, 'after'> & { readonly after?: Inference | undefined }
export type HmcOptions = Filled<z.output<typeof hmcOptions>>
export type NutsOptions = Filled<z.output<typeof nutsOptions>>
type Shared = Omit<NutsOptions, 'maxDepth'>

const needs = (engine: Engine) => ({ engine })

/** Hamiltonian Monte Carlo: trajectories of a fixed number of leapfrog steps. */
export const hmc = (options: HmcOptions, { engine }: { readonly engine: Engine }): Inference =>
  sampler('hmc', options, needs(engine), (potential, start, step, inverse, uniform) => {
    const varied = step * (1 + options.jitter * (2 * uniform() - 1))
    return trajectory(potential, start, varied, inverse, options.leapfrogSteps, uniform)
  })

/** The no-U-turn sampler: trajectories that end where they turn back. */
export const nuts = (options: NutsOptions, { engine }: { readonly engine: Engine }): Inference =>
  sampler('nuts', options, needs(engine), (potential, start, step, inverse, uniform) =>
    noUTurn(potential, start, step, inverse, options.maxDepth, uniform),
  )

/** Draws of each chain: as even as can be. */
const shares = (total: number, chains: number): number[] =>
  Array.from({ length: chains }, (_, c) => Math.floor(((c + 1) * total) / chains) - Math.floor((c * total) / chains))

function sampler(name: string, options: Shared, { engine: outer }: { readonly engine: Engine }, move: Move): Inference {
  return {
    async infer(given, run) {
      refuse(given)
      warnOfTemperature(run, 'posteriorTemperature', options.temperature)
      const problem = options.after ? { ...given, initial: await run.infer('fit', options.after, given) } : given
      const starts = await startsOf(problem, run, options.chains)
      const [first] = starts as [Variables<Value>]
      const { potential, layout, dispose } = await potentialOf(problem, run.engine, first, {
        size: options.batchSize,
        temperature: options.temperature,
      })
      const found: Chain[] = []
      try {
        // What cannot be traced is said before any stage.
        await potential(layout.vector(first.params))
        for (const [c, count] of shares(options.draws, options.chains).entries())
          found.push(await chain(run, `chain ${c}`, potential, move, layout.vector(starts[c]!.params), { ...options, draws: count }))
      } finally {
        dispose()
      }
      judge(run, name, found)
      const visited = found.flatMap(({ positions }) => positions.map((p) => ({ params: layout.params(p), state: first.state })))
      return drawsPosterior(problem, run.engine, { frozen: first.frozen, visited })
    },
    restore: (saved, problem) => drawsPosterior(problem, outer, draws(saved)),
    plan: (problem) => ({
      ...options.after?.plan?.(problem),
      transitions: options.chains * options.warmup + options.draws * options.thin,
      draws: options.draws,
    }),
  }
}

/** Fresh weights a chain, or those that are given for all. */
function startsOf(problem: Problem, run: Run, chains: number): Promise<Variables<Value>[]> {
  const model = parametric(problem.model)
  return Promise.all(Array.from({ length: chains }, (_, c) => initialVariables(problem, model, run.key.fold('start').fold(c))))
}

const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length

/** Beyond this split R-hat of the energy, chains have not found the same law. */
const agreement = 1.05

/** Emits what tells whether the chains can be trusted: of the worst weight, and of the energy, which symmetries of a network leave alone. */
function judge(run: Run, name: string, chains: readonly Chain[]): void {
  const positions = chains.map((c) => c.positions)
  const length = Math.min(...positions.map((p) => p.length))
  const energy = chains.map((c) => c.energies.slice(0, length))
  const worst = worstOf(positions, Infinity)
  const energyRHat = worst ? splitRHat(energy) : Infinity
  const divergent = chains.reduce((n, c) => n + c.divergent, 0)
  run.emit({
    type: 'evaluation',
    name,
    values: {
      'train/acceptance': mean(chains.map((c) => c.accepted)),
      'train/leapfrog-steps': mean(chains.map((c) => c.leaps)),
      'train/step-size': mean(chains.map((c) => c.step)),
      'train/divergences': divergent,
      ...(worst && {
        'train/r-hat': worst.rHat,
        'train/effective-size': worst.effective,
        'train/energy-r-hat': energyRHat,
        'train/energy-effective-size': effectiveSize(energy),
      }),
    },
  })
  if (divergent > 0)
    run.emit({
      type: 'warning',
      code: 'OCK-HMC-002',
      message: `${divergent} transitions diverged, so that where the density is narrow was not reached: raise target, or give weights a wider or simpler prior`,
    })
  if (worst && energyRHat > agreement)
    run.emit({
      type: 'warning',
      code: 'OCK-HMC-003',
      message: `split R-hat of the energy is ${energyRHat.toFixed(3)}: the chains have not settled on one law; take more warm-up and draws`,
    })
}
