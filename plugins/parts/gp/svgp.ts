import { Interrupted, type Inference, type Run, type Value, type Values } from 'ockham'
import { z } from 'zod'
import { matrix } from '../linalg/index.js'
import { statesTargets, type Observed } from './dirichlet.js'
import { above } from './kernels/constraint.js'
import { vector } from './kernels/kernel.js'
import { observations } from './posterior.js'
import { fitRange, scaledRows, unscaled } from './scaling.js'
import { inducingRows, restoredSparse, sparsePosterior } from './sparse-posterior.js'
import { priorOf, stochasticBound, type Variational } from './stochastic-bound.js'
import { checkProblem, flattening, someRows, typeTwoOptions } from './type-two.js'

export const svgpOptions = typeTwoOptions.pick({ scaling: true, noise: true, noiseFloor: true }).extend({
  inducing: z
    .int()
    .positive()
    .default(200)
    .describe('m, inducing points: rows of the data, chosen greedily by what is left of their variance'),
  batchSize: z.int().positive().default(256).describe('rows a step, drawn without replacement, epoch after epoch'),
  steps: z.int().positive().default(1000).describe('steps'),
  learningRate: z.number().min(0).default(0.01).describe('of adam, for hyper-parameters and noise'),
  naturalRate: z
    .number()
    .positive()
    .max(1)
    .default(0.1)
    .describe('share that a natural-gradient step moves q(u) towards the optimum of its batch'),
})

type Options = z.output<typeof svgpOptions>

/** All that a kill must not lose. */
interface State {
  readonly at: Float64Array
  readonly moments: readonly [Float64Array, Float64Array]
  /** Products of Adam's decay rates. */
  readonly decays: readonly [number, number]
  readonly q: readonly Variational[]
  readonly step: number
}

/** Steps between two checkpoints. */
const chunk = 100

const packed = ({ at, moments, decays, q, step }: State, m: number): Values => ({
  at: vector(at),
  first: vector(moments[0]),
  second: vector(moments[1]),
  track: vector([...decays, step]),
  ...Object.fromEntries(q.flatMap(({ precision, shift }, c) => [[`precision.${c}`, matrix([m, m], precision)], [`shift.${c}`, vector(shift)]])), // prettier-ignore
})

function unpacked(saved: Values, outputs: number): State {
  const data = (name: string): Float64Array => saved[name]!.data as Float64Array
  const [b1, b2, step] = data('track') as unknown as [number, number, number]
  return {
    at: data('at'),
    moments: [data('first'), data('second')],
    decays: [b1, b2],
    q: Array.from({ length: outputs }, (_, c) => ({ precision: data(`precision.${c}`), shift: data(`shift.${c}`) })),
    step,
  }
}

/** q moved towards an optimum: natural parameters are averaged, which is a natural-gradient step. */
const moved = (q: Variational, to: Variational, rate: number): Variational => ({
  precision: q.precision.map((v, i) => (1 - rate) * v + rate * to.precision[i]!),
  shift: q.shift.map((v, i) => (1 - rate) * v + rate * to.shift[i]!),
})

/** Adam upwards, Kingma and Ba 2015. */
function climbed(state: State, gradient: Float64Array, learningRate: number): Pick<State, 'at' | 'moments' | 'decays'> {
  const [b1, b2] = [0.9, 0.999]
  const decays = [state.decays[0] * b1, state.decays[1] * b2] as const
  const m = state.moments[0].map((v, i) => b1 * v + (1 - b1) * gradient[i]!)
  const v = state.moments[1].map((w, i) => b2 * w + (1 - b2) * gradient[i]! * gradient[i]!)
  const at = state.at.map((w, i) => w + (learningRate * (m[i]! / (1 - decays[0]))) / (Math.sqrt(v[i]! / (1 - decays[1])) + 1e-8))
  return { at, moments: [m, v], decays }
}

/** Rows of step number `step`: a shuffle an epoch, the last rows of which make no whole batch left out. */
function batchOf(run: Run, step: number, n: number, size: number): ArrayLike<number> {
  const batches = Math.max(1, Math.floor(n / size))
  const order = run.key
    .fold('epoch')
    .fold(Math.floor(step / batches))
    .permutation(n).data
  return order.subarray((step % batches) * size, Math.min(n, ((step % batches) + 1) * size))
}

/**
 * Stochastic variational inference with inducing points, minibatched: a natural-gradient step for q(u), an Adam step for hyper-parameters and noise.
 * Hensman, Fusi and Lawrence 2013; class labels by objective `dirichlet`. The posterior keeps the inducing points and no data.
 * Throws as `type-two` does.
 */
export const svgp = (options: Options): Inference => ({
  async infer(problem, run) {
    const process = checkProblem(problem)
    const { x: raw, observed } = await observations(problem)
    const n = problem.examples
    const width = raw.data.length / n
    const range = options.scaling === 'min-max' ? fitRange({ ...raw, shape: [n, width] }) : unscaled(width)
    const x = scaledRows(raw, range)
    const constraint = above(options.noiseFloor)
    const start = await process.init(run.key.fold('start').fold(0), problem.dataset.meta)
    const { flat, split } = flattening(start, observed.length)
    const inducing = inducingRows(process, start, x, options.inducing)
    const m = inducing.shape[0]!
    const boundAt = (at: Float64Array, q: readonly Variational[], rows: { x: Value; observed: readonly Observed[] }) => {
      const { hyper, noise } = split(at)
      return stochasticBound(run.engine, process, hyper, noise.map(constraint.value), rows.x, inducing, rows.observed, q, n)
    }
    const from = flat(start, new Float64Array(observed.length).fill(constraint.raw(options.noise + options.noiseFloor)))
    const zeros = (): Float64Array => new Float64Array(from.length)
    let state: State = {
      at: from,
      moments: [zeros(), zeros()],
      decays: [1, 1],
      q: priorOf(process, start, inducing, observed.length),
      step: 0,
    }
    while (state.step < options.steps) {
      const until = Math.min(options.steps, state.step + chunk)
      const values = await run.stage(`to step ${until}`, async (inside) => {
        let now = state
        while (now.step < until) {
          if (run.signal.aborted) throw interrupted(now.step)
          const found = await boundAt(now.at, now.q, someRows(x, observed, batchOf(run, now.step, n, options.batchSize)))
          const byNoise = found.noise.map((g, c) => g * constraint.slope(split(now.at).noise[c]!))
          const q = now.q.map((v, c) => moved(v, found.optimal[c]!, options.naturalRate))
          const next = climbed(now, flat(found.hyper, byNoise).map((g) => g / n), options.learningRate) // prettier-ignore
          inside.emit({ type: 'step', fold: 'svgp', step: now.step, of: options.steps, values: { loss: -found.value / n } })
          now = { ...next, q, step: now.step + 1 }
          await new Promise(setImmediate)
        }
        return packed(now, m)
      })
      state = unpacked(values, observed.length)
    }
    const { hyper, noise } = split(state.at)
    const { outputs } = await boundAt(state.at, state.q, someRows(x, observed, batchOf(run, 0, n, options.batchSize)))
    const evidence = await wholeBound((rows) => boundAt(state.at, state.q, rows), x, observed)
    const categorical = statesTargets(problem.objective)
    return sparsePosterior(process, { hyper, noise: noise.map(constraint.value), range, inducing, outputs, evidence, categorical })
  },
  restore: restoredSparse,
  plan: ({ examples }) => ({ steps: options.steps, bytes: 8 * (examples + 6 * options.batchSize * options.inducing) }),
})

const interrupted = (step: number): Interrupted =>
  new Interrupted({
    code: 'OCK-RUN-003',
    what: 'the run was interrupted',
    where: `svgp, step ${step}`,
    remedy: 'ockham resume goes on from its last stage',
  })

/** Rows that the bound over all data is added up by. */
const part = 2000

/** The bound over all rows: the mean of its parts' estimates by their rows. */
async function wholeBound(
  bound: (rows: { x: Value; observed: readonly Observed[] }) => Promise<{ value: number }>,
  x: Value,
  observed: readonly Observed[],
): Promise<number> {
  const n = x.shape[0]!
  let sum = 0
  for (let at = 0; at < n; at += part) {
    const rows = Int32Array.from({ length: Math.min(part, n - at) }, (_, i) => at + i)
    sum += ((await bound(someRows(x, observed, rows))).value * rows.length) / n
  }
  return sum
}
