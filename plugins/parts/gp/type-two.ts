import { InputError, type Engine, type Inference, type Problem, type Process, type Run, type Value, type Values } from 'ockham'
import { z } from 'zod'
import { blockCholesky, matrix } from '../linalg/index.js'
import { noisyCovariances } from './blocks.js'
import { statesTargets, type Observed } from './dirichlet.js'
import { evidence, releaseEvidence } from './evidence.js'
import { above } from './kernels/constraint.js'
import { minimise, type Descent, type Objective } from './optimise.js'
import { fittedOf, observations, posteriorOf, type Fitted } from './posterior.js'
import { fitRange, scaledRows, unscaled } from './scaling.js'

export const typeTwoOptions = z.strictObject({
  optimizer: z.enum(['l-bfgs', 'adam']).default('l-bfgs').describe('what climbs the evidence'),
  steps: z.int().positive().default(1000).describe('most steps of one start'),
  starts: z.int().positive().default(1).describe('starts, each from its own draw of the hyper-parameters; the best is kept'),
  coarse: z
    .int()
    .min(0)
    .default(0)
    .describe('rows, drawn at random, that every start is learnt on first; the best of them goes on with all rows; 0 for none'),
  learningRate: z.number().positive().default(0.05).describe('of adam'),
  tolerance: z.number().positive().default(1e-5).describe('ends where the loss falls by less than this share of it'),
  scaling: z.enum(['min-max', 'none']).default('min-max').describe('of the features, fitted on the rows that are trained on'),
  noise: z.number().positive().default(0.1).describe('τ at its start, learnt for each output and added to the known noise'),
  noiseFloor: z.number().positive().default(1e-4).describe('least τ'),
})

export type TypeTwoOptions = z.output<typeof typeTwoOptions>

export const processOf = ({ model }: Problem): Process => {
  if ('covariance' in model) return model
  throw new InputError({
    code: 'OCK-GP-002',
    what: 'the model is a parametric function, and a process is needed',
    where: 'model',
    remedy: 'choose model gp',
  })
}

/** Checks what a fit of a process needs of a problem: a process, observations that are Gaussian, rows. */
export function checkProblem(problem: Problem): Process {
  const process = processOf(problem)
  const { classes } = problem.dataset.meta
  if (classes && !statesTargets(problem.objective))
    throw new InputError({
      code: 'OCK-GP-003',
      what: 'class labels have no Gaussian targets under this objective',
      where: 'objective',
      remedy: 'choose objective dirichlet',
    })
  if (problem.examples < 2)
    throw new InputError({ code: 'OCK-GP-004', what: `${problem.examples} training rows`, where: 'dataset', remedy: 'give two or more' })
  return process
}

/** Hyper-parameters and noise as one vector, and back. */
export function flattening(
  hyper: Values,
  outputs: number,
): {
  flat(hyper: Values, noise: Float64Array): Float64Array
  split(x: Float64Array): { hyper: Values; noise: Float64Array }
} {
  const names = Object.keys(hyper)
  const sizes = names.map((n) => hyper[n]!.data.length)
  const total = sizes.reduce((a, b) => a + b, 0)
  return {
    flat(values, noise) {
      const out = new Float64Array(total + outputs)
      let at = 0
      for (const name of names) {
        out.set(values[name]!.data, at)
        at += values[name]!.data.length
      }
      out.set(noise, at)
      return out
    },
    split(x) {
      let at = 0
      const values = names.map((name, i) => [name, matrix(hyper[name]!.shape, x.slice(at, (at += sizes[i]!)))] as const)
      return { hyper: Object.fromEntries(values), noise: x.slice(at) }
    },
  }
}

/** −(1/n) Σ_c log evidence and its gradient, at hyper-parameters and raw noise in one vector; infinite where a covariance has no factor. */
export function lossOf(
  { engine, process, start, floor }: { engine: Engine; process: Process; start: Values; floor: number },
  x: Value,
  observed: readonly Observed[],
): Objective {
  const { flat, split } = flattening(start, observed.length)
  const constraint = above(floor)
  const n = x.shape[0]!
  return async (at) => {
    const { hyper, noise } = split(at)
    try {
      const found = await evidence(engine, process, hyper, noise.map(constraint.value), x, observed)
      const byNoise = found.noise.map((g, c) => g * constraint.slope(noise[c]!))
      return { value: -found.value / n, gradient: flat(found.hyper, byNoise).map((g) => -g / n) }
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'OCK-LINALG-002') throw error
      return { value: Infinity, gradient: new Float64Array(at.length) }
    }
  }
}

/** Some of the rows. */
export function someRows(x: Value, observed: readonly Observed[], rows: ArrayLike<number>): Pick<Fitted, 'x' | 'observed'> {
  const d = x.shape[1]!
  const at = Array.from(rows)
  return {
    x: matrix(
      [at.length, d],
      Float64Array.from({ length: at.length * d }, (_, k) => x.data[at[Math.floor(k / d)]! * d + (k % d)]!),
    ),
    observed: observed.map(({ target, noise }) => ({
      target: Float64Array.from(at, (i) => target[i]!),
      noise: Float64Array.from(at, (i) => noise[i]!),
    })),
  }
}

async function fit(problem: Problem, run: Run, options: TypeTwoOptions): Promise<Fitted> {
  const process = checkProblem(problem)
  const { x: raw, observed } = await observations(problem)
  const width = raw.data.length / problem.examples
  const flatRows = { ...raw, shape: [problem.examples, width] }
  const range = options.scaling === 'min-max' ? fitRange(flatRows) : unscaled(width)
  const x = scaledRows(flatRows, range)
  const constraint = above(options.noiseFloor)
  const noise = new Float64Array(observed.length).fill(constraint.raw(options.noise + options.noiseFloor))
  const subset = options.coarse > 0 && options.coarse < problem.examples
  const first = subset
    ? someRows(x, observed, run.key.fold('coarse').permutation(problem.examples).data.slice(0, options.coarse))
    : { x, observed }
  const starts: Values[] = []
  for (let s = 0; s < options.starts; s++) starts.push(await process.init(run.key.fold('start').fold(s), problem.dataset.meta))
  const { flat, split } = flattening(starts[0]!, observed.length)
  const learn = (name: string, rows: Pick<Fitted, 'x' | 'observed'>, start: Values, at: Float64Array): Promise<Descent> =>
    minimise(run, name, lossOf({ engine: run.engine, process, start, floor: options.noiseFloor }, rows.x, rows.observed), at, options)
  let [best, of]: [Descent | undefined, Values] = [undefined, starts[0]!]
  for (const [s, start] of starts.entries()) {
    const found = await learn(`start ${s}`, first, start, flat(start, noise))
    if (!best || found.value < best.value) [best, of] = [found, start]
  }
  if (subset) best = await learn('all rows', { x, observed }, of, best!.x)
  const found = split(best!.x)
  return {
    hyper: found.hyper,
    noise: found.noise.map(constraint.value),
    range,
    x,
    observed,
    evidence: -best!.value * problem.examples,
    categorical: statesTargets(problem.objective),
  }
}

/** Cholesky factors of large covariances, made on the runtime; small ones are made when they are wanted. */
async function factorsOf(engine: Engine, process: Process, { hyper, noise, x, observed }: Fitted): Promise<readonly Value[] | undefined> {
  const n = x.shape[0]!
  if (n < 1000) return undefined
  // What the evidence took is wanted for the factors.
  releaseEvidence(engine)
  const factors: Value[] = []
  for (const sigma of noisyCovariances(process, hyper, noise, x, observed))
    factors.push(await blockCholesky(engine, matrix([n, n], sigma), { overwrite: true }))
  return factors
}

/**
 * Type-II maximum likelihood: hyper-parameters that maximise the log marginal likelihood, from several starts, then exact conditioning.
 * Throws `OCK-GP-002` to `-004` for problems that are not Gaussian, `OCK-RUN-003` where interrupted.
 */
export const typeTwo = (options: TypeTwoOptions): Inference => ({
  async infer(problem, run) {
    const fitted = await fit(problem, run, options)
    const process = processOf(problem)
    return posteriorOf(process, fitted, await factorsOf(run.engine, process, fitted))
  },
  restore: (kept, problem) => posteriorOf(processOf(problem), fittedOf(kept)),
  plan: ({ examples }) => ({ steps: options.steps * (options.starts + (options.coarse > 0 ? 1 : 0)), bytes: 32 * examples * examples }),
})
