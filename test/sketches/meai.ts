/*
 * Materials expert-AI (Liu et al. 2023): a Gaussian process in a learnt metric finds which combination of an expert's
 * features decides. Labels become Gaussian targets with known noise (Milios et al. 2018), so conditioning is exact.
 */
import type { Evaluation, HostKey, Inference, Objective, Posterior, Problem, Process, Run, Value, Values } from 'ockham'
import { tf } from 'ockham/tensor'
import { cholesky, eigenSymmetric, everyRow, inverseFactored, logDeterminant, prefix, processOf, solveFactored } from './parts.js'
import { under, value, type Kernel } from './parts.js'

/** Adds entries of the same name. */
declare const added: (a: Values, b: Values) => Values
declare const constantRows: (mean: Value, rows: number) => Value
/** The same matrix with one number a row added to its diagonal. */
declare const withDiagonal: (K: Value, noise: Value) => Value
declare const centred: (targets: Value, mean: Value) => Value
declare const dot: (a: Value, b: Value) => number
/** ½ (K⁻¹ − α αᵀ), the gradient of −log N(t | 0, K) in K. */
declare const gradientInK: (inverse: Value, alpha: Value) => Value
declare const ascended: (f: (h: Values) => { evidence: number; gradient(): Values }, start: Values, steps: number) => Values
/** Mean and variance of each class's latent function at new points. */
declare const latent: (process: Process, hyper: Values, x: Value, solved: readonly Value[], q: Value) => { mean: Value; variance: Value }
declare const softmaxMean: (f: { mean: Value; variance: Value }, samples: number, key: HostKey | undefined) => Value
declare const metric: (hyper: Values) => Value

/** A prior over functions, not a parametric function: float64 on the host, no tensors. */
export const gp = (o: { readonly kernel: Kernel; readonly classes: number }): Process => ({
  init: (key) => ({ ...o.kernel.init(key), mean: value(new Float64Array(o.classes), [o.classes], 'float64') }),
  mean: ({ mean }, x) => constantRows(mean!, x.shape[0]!),
  covariance: o.kernel.of,
  variance: o.kernel.diagonal,
  gradient: (hyper, { covariance = [] }) => covariance.map(({ a, by }) => o.kernel.pull(hyper, a, by)).reduce(added),
})

/** An objective that can also state labels as Gaussian targets, one a class, with their noise variances. */
type Targets = Objective & { targets(labels: Value, classes: number): readonly { readonly target: Value; readonly noise: Value }[] }
declare const logNormalTargets: (labels: Value, classes: number, alpha: number) => ReturnType<Targets['targets']>

export const dirichlet = (o: { readonly alpha: number }): Targets => ({
  targets: (labels, classes) => logNormalTargets(labels, classes, o.alpha),
  loss(f, { y }) {
    const alpha = tf.oneHot(y.cast('int32'), f.shape[1]!).add(o.alpha)
    const variance = alpha.reciprocal().add(1).log()
    const error = f.sub(alpha.log()).add(variance.div(2))
    return { loss: error.square().div(variance.mul(2)).sum(1) }
  },
  predict: (f) => ({ kind: 'categorical', probabilities: tf.softmax(f) }),
})

type Train = Readonly<Record<'x' | 'y', Value>>

/** Log evidence at hyper-parameters, its gradient, and what predictions need: K⁻¹(t − m) a class. */
const conditioned = ({ model, objective, dataset }: Problem, hyper: Values, { x, y }: Train) => {
  const process = processOf(model)
  const K = process.covariance(hyper, x, x)
  const classes = (objective as Targets).targets(y, dataset.meta.classes!.length).map(({ target, noise }) => {
    const L = cholesky(withDiagonal(K, noise))
    const t = centred(target, process.mean(hyper, x))
    const alpha = solveFactored(L, t)
    const evidence = -(dot(t, alpha) + 2 * logDeterminant(L) + t.data.length * Math.log(2 * Math.PI)) / 2
    return { alpha, evidence, dK: gradientInK(inverseFactored(L), alpha) }
  })
  const dK = classes.map((c) => c.dK)
  const evidence = classes.reduce((sum, c) => sum + c.evidence, 0)
  return {
    evidence,
    alphas: classes.map(({ alpha }) => alpha),
    gradient: () => process.gradient(hyper, { covariance: dK.map((by) => ({ a: x, b: x, by })) }),
  }
}

const posteriorAt = (problem: Problem, hyper: Values, train: Train): Posterior => {
  const { evidence, alphas } = conditioned(problem, hyper, train)
  return {
    // No `weights`: this is a posterior over functions, and to sample parameters would be a lie.
    evidence,
    predict: async (at, { samples = 1000, key } = {}) => ({
      kind: 'categorical',
      probabilities: softmaxMean(latent(processOf(problem.model), hyper, train.x, alphas, at['x']!), samples, key),
    }),
    save: () => ({ kind: 'process', values: { ...prefix('hyper.', hyper), ...prefix('train.', train) }, meta: null }),
  }
}

/** Type-II maximum likelihood from several starts, each a stage of its own. */
export const typeTwo = (o: { readonly steps: number; readonly starts: number }): Inference => ({
  async infer(problem, run) {
    const { x, y } = await problem.dataset.read('train', everyRow(problem.examples))
    const train = { x: x!, y: y! }
    const at = (hyper: Values) => conditioned(problem, hyper, train)
    const climb = async (stage: Run) => ascended(at, await processOf(problem.model).init(stage.key, problem.dataset.meta), o.steps)
    const fits: Values[] = []
    for (let start = 0; start < o.starts; start++) fits.push(await run.stage(`start ${start}`, climb))
    const best = fits.reduce((a, b) => (at(b).evidence > at(a).evidence ? b : a))
    return posteriorAt(problem, best, train)
  },
  restore: (saved, problem) =>
    posteriorAt(problem, under('hyper.', saved.values), { x: saved.values['train.x']!, y: saved.values['train.y']! }),
})

/** Which features vary together along the learnt metric: the descriptors that an expert would name. */
export const descriptors = (o: { readonly features: readonly string[] }): Evaluation => ({
  async evaluate(posterior) {
    const { values, vectors } = eigenSymmetric(metric(under('hyper.', posterior.save().values)))
    const lengths = Array.from(values.data, (v) => 1 / Math.sqrt(v))
    const last = lengths.length - 1
    const table = o.features.map((feature, j) => ({ feature, loading: vectors.data[j * lengths.length + last]! }))
    return { values: { 'train/evidence': posterior.evidence!, 'train/shortest-length': lengths[last]! }, tables: { table } }
  },
})
