import type { Engine, Inference, Posterior, Problem, Run, Value, Variables } from 'ockham'
import { InputError } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { decayOfPrecision, warnOfTemperature } from '../../parts/bayes/index.js'
import { linearLayers, type Layers } from '../../parts/curvature/index.js'
import { fitOf, predictionsOf } from '../../parts/evaluation/index.js'
import { outputSize } from '../../parts/networks/index.js'
import { mapOptions, maximumAPosteriori, type MapOptions, stepsPerEpoch, value, zeros } from '../../parts/training/index.js'
import { coordinatesOf, counts, gathered, pick, type Coordinates } from './coordinates.js'
import { adamAscent, evidence, fixedPoint, likelihoodScale, type Setting, type Tuned } from './evidence.js'
import { fit, type FitOptions } from './fit.js'
import type { LaplaceOptions } from './options.js'
import { evidenceOf, posteriorOf, restored, type Fitted, type LaplacePosterior } from './posterior.js'
import { gaussianOf, tunedObjective, tunedPrior, type Gaussian } from './prior.js'
import { subsetOf } from './subset.js'

/** A network whose curvature was taken, before any tuning. */
interface Curved {
  readonly vars: Variables<Value>
  readonly gaussian: Gaussian
  readonly at: Coordinates
  readonly setting: Setting
}

/** A Gaussian around trained weights, its precision the curvature of the energy there. */
export const laplace = (options: LaplaceOptions, { engine: outer }: { readonly engine: Engine }): Inference => {
  const after = options.after ?? maximumAPosteriori(mapOptions.parse({}) as MapOptions, { engine: outer })
  return {
    async infer(problem, run) {
      refuse(problem)
      warnOfTemperature(run, 'likelihoodTemperature', options.likelihoodTemperature)
      if (options.tune === 'online') return online(problem, run, after, options)
      const curved = await curve(problem, run, weightsOf(await run.infer('fit', after, problem)), options)
      return finish(problem, run, curved, await tuned(problem, run, curved, options), options)
    },
    restore: (saved, problem) => posteriorOf(problem, outer, restored(saved), options),
    plan: (problem) => ({
      ...after.plan?.(problem),
      curvatureSteps: stepsPerEpoch(problem.examples, options.size) * (options.structure === 'low-rank' ? options.rank : 1),
    }),
  }
}

const weightsOf = ({ weights }: Posterior): Variables<Value> => {
  if (weights) return weights.point()
  throw new InputError({
    code: 'OCK-LAPLACE-001',
    what: 'what trained the network has no weights',
    where: 'inference.after',
    remedy: 'choose an inference over weights, such as map',
  })
}

function refuse({ objective }: Problem): void {
  if (objective.root) return
  throw new InputError({
    code: 'OCK-LAPLACE-001',
    what: 'the objective is not the negative logarithm of a likelihood: it has no root of its Hessian',
    where: 'objective',
    remedy: 'choose cross-entropy or gaussian',
  })
}

const fitOptions = (options: LaplaceOptions): FitOptions => options

async function curve(problem: Problem, run: Run, vars: Variables<Value>, options: LaplaceOptions): Promise<Curved> {
  const gaussian = gaussianOf(problem, run, vars, options)
  const found = await linearLayers(problem, run.engine, vars, await oneRow(problem))
  const chosen = await subsetOf(problem, run, vars, found, gaussian.precision, options.subset, fitOptions(options))
  tell(run, found, options)
  const at = coordinatesOf(chosen.layers, gaussian.precision, options.precision, chosen.chosen)
  check(at, options)
  const { curvature, loss } = await fit(problem, run, vars, at, fitOptions(options))
  const offset = gathered(at.blocks, vars.params).map((w, i) => w - meanAt(at, gaussian, i))
  const scatter = new Float64Array(at.groups)
  pick(offset, at.chosen).forEach((d, i) => (scatter[at.groupOf[i]!]! += at.precision[i]! * d * d))
  const noise = await noiseOf(problem, run, loss)
  const setting: Setting = {
    at,
    curvature,
    scatter,
    logLikelihood: -loss,
    likelihoodTemperature: options.likelihoodTemperature,
    ...(noise && { noise }),
  }
  return { vars, gaussian, at, setting }
}

const means = new WeakMap<Gaussian, Float64Array>()
function meanAt(at: Coordinates, gaussian: Gaussian, i: number): number {
  const found = means.get(gaussian) ?? gathered(at.blocks, gaussian.mean)
  means.set(gaussian, found)
  return found[i]!
}

async function oneRow({ dataset }: Problem) {
  const fields = await dataset.read('train', value([0], [1], 'int32'))
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name === 'x' || name.startsWith('x.')))
}

/** Says which weights are not uncertain, and why; refuses where none are left. */
function tell(run: Run, { layers, left }: Layers, { subset }: LaplaceOptions): void {
  const reasons = Object.entries(left)
  if (layers.length === 0)
    throw new InputError({
      code: 'OCK-LAPLACE-005',
      what: `the model has no linear layer: ${reasons.map(([, reason]) => reason).join('; ') || 'it has no parameters'}`,
      where: 'model',
      remedy: 'layers announce <layer>.in and <layer>.out around their product with <layer>.kernel',
    })
  if (subset === 'last-layer' || reasons.length === 0) return
  const said = [...new Set(reasons.map(([, reason]) => reason))].join('; ')
  run.emit({
    type: 'warning',
    code: 'OCK-LAPLACE-005',
    message: `${reasons.length} parameters have no factor and keep their trained values: ${said}`,
  })
}

/** Refuses what would not fit, with what would. */
function check(at: Coordinates, { structure, rank, points, memory }: LaplaceOptions): void {
  const kept = { full: 3 * at.size, 'low-rank': 3 * rank, functional: 3 * points, kfac: 0, diagonal: 4 }[structure]
  const bytes = structure === 'kfac' ? at.layers.reduce((n, l) => n + 40 * ((l.inputs + 1) ** 2 + l.outputs ** 2), 0) : 8 * kept * at.size
  if (bytes > memory * 2 ** 30)
    throw new InputError({
      code: 'OCK-LAPLACE-008',
      what: `the structure ${structure} of ${at.size} weights would take ${(bytes / 2 ** 30).toPrecision(3)} GiB, and memory is ${memory}`,
      where: 'inference.structure',
      remedy: 'choose structure kfac or diagonal, subset last-layer, or a subset of parameters',
    })
  if (structure !== 'kfac') return
  const uneven = at.blocks.filter((b) => at.precision.subarray(b.at, b.at + b.size).some((d) => d !== at.precision[b.at]))
  if (uneven.length > 0)
    throw new InputError({
      code: 'OCK-LAPLACE-009',
      what: `the prior's precision is not one number for ${uneven.map((b) => b.param).join(', ')}, and a Kronecker product wants one`,
      where: 'prior',
      remedy: 'choose structure diagonal, full or low-rank, or set priorPrecision',
    })
}

/** The noise of a regression where it is one number for all; undefined for classes, and where it differs from output to output. */
async function noiseOf(problem: Problem, run: Run, loss: number): Promise<Setting['noise']> {
  if (problem.dataset.meta.classes) return undefined
  const { sigma, count } = await noiseGiven(problem, run)
  if (sigma === undefined) return undefined
  const squaredErrors = 2 * sigma * sigma * (loss - count * Math.log(sigma * Math.sqrt(2 * Math.PI)))
  return { given: sigma, squaredErrors: Math.max(0, squaredErrors), count }
}

/** σ of the objective, read from what it predicts at no output in particular. */
async function noiseGiven({ objective, dataset }: Problem, { engine }: Run): Promise<{ sigma?: number; count: number }> {
  const outputs = outputSize(dataset.meta)
  const count = outputs * (dataset.meta.splits['train'] ?? 0)
  const noise = engine.compile(({ y }: { y: Tensor }) => {
    const p = objective.predict(y)
    return { noise: p.kind === 'normal' ? (p.noise ?? p.variance) : tf.zeros([0]) }
  })
  const predicted = Array.from((await noise({ y: zeros([1, outputs]) })).noise.data)
  noise.dispose()
  const [first] = predicted
  return first !== undefined && predicted.every((v) => v === first) ? { sigma: Math.sqrt(first), count } : { count }
}

async function tuned(problem: Problem, run: Run, curved: Curved, options: LaplaceOptions): Promise<Tuned> {
  const { setting } = curved
  const ones = new Float64Array(setting.at.groups).fill(1)
  if (options.tune !== 'none') await setting.curvature.prepare?.(run.engine)
  if (options.tune === 'evidence') return fixedPoint(setting, { noise: options.noise })
  if (options.tune === 'validation') return { prior: await byValidation(problem, run, curved, options), steps: options.grid.count }
  return { prior: ones, steps: 0 }
}

/** The factor with the least validation NLL, of a grid. */
async function byValidation(problem: Problem, run: Run, curved: Curved, options: LaplaceOptions): Promise<Float64Array> {
  const { from, to, count } = options.grid
  let best = { nll: Infinity, prior: new Float64Array(0) }
  for (let i = 0; i < count; i++) {
    const factor = Math.exp(Math.log(from) + (Math.log(to / from) * i) / (count - 1))
    const prior = new Float64Array(curved.at.groups).fill(factor)
    const posterior = posteriorOf(problem, run.engine, fittedOf(curved, { prior, steps: 0 }, options), options)
    const { nll } = fitOf(await predictionsOf(posterior, problem.dataset, 'validation'), 'validation')
    if (nll < best.nll) best = { nll, prior }
  }
  return best.prior
}

function fittedOf({ vars, gaussian, at, setting }: Curved, { prior, sigma }: Tuned, options: LaplaceOptions): Fitted {
  const scales = { prior, likelihood: likelihoodScale(setting, sigma) }
  const { at: _, curvature, ...numbers } = setting
  return {
    vars,
    precision: Object.fromEntries(at.blocks.map(({ param }) => [param, gaussian.precision[param]!])),
    at,
    curvature,
    scales,
    noise: numbers.noise && sigma !== undefined ? (sigma / numbers.noise.given) ** 2 : 1,
    grain: options.precision,
    numbers,
    ...(sigma !== undefined && { sigma }),
    structure: options.structure,
    bias: options.bias,
    places: options.places,
    directions: options.directions,
  }
}

/** The posterior, and what it came to in units that others use. */
function finish(problem: Problem, run: Run, curved: Curved, found: Tuned, options: LaplaceOptions): LaplacePosterior {
  const fitted = fittedOf(curved, found, options)
  const { at } = curved
  const n = counts(at)
  // Without tuning nobody has asked for eigenvalues yet.
  const known = options.tune === 'none' ? undefined : evidenceOf(fitted)
  const precision = at.precision.reduce((sum, d, i) => sum + d * found.prior[at.groupOf[i]!]!, 0) / at.size
  run.emit({
    type: 'evaluation',
    name: 'laplace',
    values: {
      ...(known && { 'train/log-evidence': known.value, 'train/effective-parameters': known.effective }),
      'train/uncertain-parameters': n.reduce((a, b) => a + b, 0),
      'train/prior-precision': precision,
      'train/weight-decay': decayOfPrecision(precision, problem.examples),
      ...(found.sigma !== undefined && { 'train/noise': found.sigma }),
    },
  })
  return posteriorOf(problem, run.engine, fitted, options)
}

/** Training with evidence (Immer et al. 2021): after each round the prior, and the noise, climb the evidence; the best round is kept. */
async function online(problem: Problem, run: Run, after: Inference, options: LaplaceOptions): Promise<LaplacePosterior> {
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
