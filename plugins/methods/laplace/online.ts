import type { Inference, Problem, Run } from 'ockham'
import { InputError } from 'ockham'
import { outputSize } from '../../parts/networks/index.js'
import { curve, type Curved } from './curve.js'
import { adamAscent, evidence, type Tuned } from './evidence.js'
import { finish, weightsOf } from './finish.js'
import type { LaplaceOptions } from './options.js'
import type { LaplacePosterior } from './posterior.js'
import { tunedObjective, tunedPrior } from './prior.js'

/** Training with evidence (Immer et al. 2021): after each round the prior, and the noise, climb the evidence; the best round is kept. */
export async function online(problem: Problem, run: Run, after: Inference, options: LaplaceOptions): Promise<LaplacePosterior> {
  const { rounds, burnIn, steps, rate } = options.online
  let best: { readonly curved: Curved; readonly found: Tuned; readonly value: number } | undefined
  let prior: Float64Array | undefined
  let sigma: number | undefined
  let now: Problem = problem
  for (let round = 0; round < rounds; round++) {
    const posterior = await run.infer(`round ${round}`, after, now)
    const curved = await curve(problem, within(run, round), weightsOf(posterior), options)
    await curved.setting.curvature.prepare?.(run.engine)
    prior ??= new Float64Array(curved.at.groups).fill(1)
    sigma ??= curved.setting.noise?.given
    const start = { prior, ...(sigma !== undefined && { sigma }) }
    const found = round < burnIn ? { ...start, steps: 0 } : adamAscent(curved.setting, start, { steps, rate, noise: options.noise })
    ;({ prior } = found)
    sigma = found.sigma ?? sigma
    const { value: reached } = evidence(curved.setting, prior, sigma)
    run.emit({ type: 'evaluation', name: 'laplace', values: { 'train/log-evidence': reached } })
    if (round >= burnIn && (!best || reached > best.value)) best = { curved, found, value: reached }
    const { noise } = curved.setting
    const objective =
      noise && sigma !== undefined
        ? tunedObjective(problem.objective, noise.given, sigma, outputSize(problem.dataset.meta))
        : problem.objective
    now = { ...problem, initial: posterior, prior: tunedPrior(curved.gaussian, curved.at, prior), objective }
  }
  if (!best)
    throw new InputError({
      code: 'OCK-LAPLACE-010',
      what: `burnIn is ${burnIn} of ${rounds} rounds, so that nothing was tuned`,
      where: 'inference.online',
      remedy: 'set burnIn below rounds',
    })
  return finish(problem, run, best.curved, best.found, options)
}

/** The same run with folds under names of their own. */
const within = (run: Run, round: number): Run => ({
  key: run.key.fold(round),
  engine: run.engine,
  signal: run.signal,
  emit: (event) => run.emit(event),
  fold: (name, fold) => run.fold(`${name} ${round}`, fold),
  stage: (name, work) => run.stage(`${name} ${round}`, work),
  infer: (name, inference, problem) => run.infer(`${name} ${round}`, inference, problem),
})
