/*
 * The Bayesian suite, what happens after training: Laplace with Kronecker factors (Ritter et al. 2018) and deep ensembles
 * (Lakshminarayanan et al. 2017). Neither has code for a layer, and neither trains by itself.
 */
import type { Engine, HostKey, Inference, Posterior, Problem, Tensors, Value, Values, Variables } from 'ockham'
import { InputError } from 'ockham'
import { tf } from 'ockham/tensor'
import { asBatch, average, batches, bind, flatten, fromWeights, inputsTo, linearLayers, parametric, prefix } from './parts.js'
import { probed, stepsPerEpoch, under, unflatten, zeroProbes } from './parts.js'

interface LaplaceOptions {
  readonly after: Inference
  readonly size: number
}
declare const zeroFactors: (layers: readonly string[], params: Values) => Values
/** Adds AᵀA and GᵀG of every layer. */
declare const addOuter: (factors: Tensors, inputs: Tensors, gradients: Tensors) => Tensors
/** Prior precision that maximises the evidence of factors, with the evidence. */
declare const tuned: (factors: Values, prior: Values, fit: Posterior) => { readonly precision: Values; readonly evidence: number }
declare const matrixNormal: (vars: Variables<Value>, factors: Values, precision: Values, key: HostKey) => Variables<Value>

const kronecker = (
  problem: Problem,
  engine: Engine,
  vars: Variables<Value>,
  factors: Values,
  precision: Values,
  evidence?: number,
): Posterior =>
  fromWeights(
    problem,
    engine,
    { point: () => vars, sample: async (key) => matrixNormal(vars, factors, precision, key) },
    {
      ...(evidence !== undefined && { evidence }),
      save: () => ({
        kind: 'kronecker',
        values: { ...prefix('vars.', flatten(vars)), ...prefix('factors.', factors), ...prefix('precision.', precision) },
        meta: evidence ?? null,
      }),
    },
  )

/** Activations at `<layer>.in`, output gradients by zero probes at `<layer>.out`: any model with linear layers. */
export const laplace = (o: LaplaceOptions, { engine: outer }: { readonly engine: Engine }): Inference => ({
  async infer(problem, run) {
    const fit = await run.infer('fit', o.after, problem)
    const vars = fit.weights!.point()
    const model = parametric(problem.model)
    const { root } = problem.objective
    const prior = problem.prior.gaussian?.(vars)
    if (!root || !prior)
      throw new InputError({ code: 'OCK-LAPLACE-001', what: 'Laplace needs a log-likelihood and a Gaussian prior', where: 'inference' })
    const layers = linearLayers(vars.params)
    const factors = await run.fold('curvature', {
      carry: zeroFactors(layers, vars.params),
      steps: stepsPerEpoch(problem.examples, o.size),
      feed: batches(problem.dataset, 'train', { size: o.size }),
      step(carry, feed, { key, engine }) {
        const { x, weight } = asBatch(feed)
        const net = bind(model, engine.capture(vars), key, false)
        const { y, aux, pull } = engine.vjp(
          (probes) => ({ y: net(x, { at: probed(probes) }), aux: net.points(x, inputsTo(layers)) }),
          zeroProbes(net, layers, o.size),
        )
        // A pull a column of the root: the exact Gauss–Newton matrix.
        const columns = tf.unstack(root(y).mul(weight.sqrt().reshape([-1, 1, 1])), 2)
        return { carry: columns.reduce<Tensors>((sum, column) => addOuter(sum, aux, pull(column)), carry) }
      },
    })
    const { precision, evidence } = tuned(factors, prior.precision, fit)
    return kronecker(problem, run.engine, vars, factors, precision, evidence)
  },
  restore: ({ values }, problem) =>
    kronecker(problem, outer, unflatten(under('vars.', values)), under('factors.', values), under('precision.', values)),
})

/** Members are stages of their own: each has its own key and is read back on resume. */
export const ensemble = (o: { readonly of: Inference; readonly members: number }): Inference => ({
  async infer(problem, run) {
    const members: Posterior[] = []
    for (let m = 0; m < o.members; m++) members.push(await run.infer(`member ${m}`, o.of, problem))
    return mixture(members)
  },
  async restore(saved, problem) {
    const members: Posterior[] = []
    for (let m = 0; m < o.members; m++) members.push(await o.of.restore({ ...saved, values: under(`member ${m}.`, saved.values) }, problem))
    return mixture(members)
  },
})

/** The average of the members' predictions, and all members' values under their names. */
const mixture = (members: readonly Posterior[]): Posterior => ({
  predict: async (x, options) => average(await Promise.all(members.map((member) => member.predict(x, options)))),
  save: () => ({
    kind: 'ensemble',
    values: Object.assign({}, ...members.map((member, m) => prefix(`member ${m}.`, member.save().values))) as Values,
    meta: members.length,
  }),
})
