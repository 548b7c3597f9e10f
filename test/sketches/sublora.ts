/*
 * Compression bounds for language models (Lotfi et al. 2024): train few numbers, quantise them, count the bits, bound the risk.
 * Not a new kind of thing: subspace(lora(gpt)), an inference that quantises, and a bound that wants a message.
 */
import type { Bound, Certificate, Engine, Inference, Model, Posterior, Problem, Sampler } from 'ockham'
import type { Tensors, Value, Values, Variables } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { asBatch, batches, bind, coder, descend, flatten, fromWeights, parametric, pointMass } from './parts.js'
import { prefix, under, unflatten, value, zeros, type Descent, type Projector } from './parts.js'

declare const size: (params: Values) => number
/** A vector cut into tensors shaped like `shapes`. */
declare const cut: (vector: Tensor, shapes: Tensors) => Tensors
declare const digests: (fixed: Variables<Value>) => Readonly<Record<string, string>>
/** The given rows, in order. */
declare const listed: (rows: Value) => Sampler
/** Smoothed mean loss a document and smoothing weight, bits a token [n, A]. */
declare const documentLoss: (logits: Tensor, tokens: Tensor, alphas: readonly number[]) => Tensor
/** The least of the bounds, one a smoothing weight, each paid for. */
declare const best: (risk: Value, o: CompressionOptions, bits: number, train: number, delta: number) => Certificate

/** θ = θ₀ + P w around any model: subspace descent, subspace Laplace and ensembles come for nothing. */
export const subspace = (base: Model, o: { readonly dim: number; readonly projector: Projector }): Model => ({
  async init(key, meta) {
    const { params, frozen, state } = await base.init(key.fold('base'), meta)
    const P = o.projector.init(key.fold('projector'), size(params), o.dim)
    return { params: { w: zeros([o.dim]) }, frozen: { ...prefix('at0.', params), ...prefix('base.', frozen), ...prefix('P.', P) }, state }
  },
  apply({ params, frozen, state }, x, call) {
    const at0 = under('at0.', frozen)
    const moved = cut(o.projector.up(under('P.', frozen), params['w']!), at0)
    const there = Object.fromEntries(Object.entries(at0).map(([name, p]) => [name, p.add(moved[name]!)]))
    return base.apply({ params: there, frozen: under('base.', frozen), state }, x, call)
  },
})

/** The same model with w read through a learnt codebook: values of the codebook, gradients to both. */
const coded = (base: Model, codebook: Value, engine: Engine): Model => ({
  async init(key, meta) {
    const vars = await base.init(key, meta)
    return { ...vars, params: { ...vars.params, codebook } }
  },
  apply(vars, x, call) {
    const w = vars.params['w']!
    const code = vars.params['codebook']!
    const straight = tf.gather(code, coder.nearest(w, code)).add(w.sub(engine.stop(w)))
    return base.apply({ ...vars, params: { w: straight } }, x, call)
  },
})

/** The message alone makes the posterior: what is evaluated and certified is what was decoded. */
const received = (problem: Problem, engine: Engine, fixed: Variables<Value>, bytes: Uint8Array): Posterior => {
  const { w, bits } = coder.decode(bytes)
  return fromWeights(problem, engine, pointMass({ ...fixed, params: { w } }), {
    message: { bytes, bits, side: digests(fixed), decode: async (other) => received(problem, engine, fixed, other) },
    save: () => ({ kind: 'message', values: { ...flatten(fixed), message: value(bytes, [bytes.length], 'int32') }, meta: null }),
  })
}

interface QuantisedOptions extends Pick<Descent, 'optimizer' | 'steps' | 'size'> {
  readonly after: Inference
  readonly levels: number
}

export const quantised = (o: QuantisedOptions, { engine }: { readonly engine: Engine }): Inference => ({
  async infer(problem, run) {
    const fit = await run.infer('fit', o.after, problem)
    const start = fit.weights!.point()
    const codebook = coder.codebook(start.params['w']!, o.levels)
    const training = { ...problem, model: coded(parametric(problem.model), codebook, engine) }
    const initial = fromWeights(training, engine, pointMass({ ...start, params: { ...start.params, codebook } }))
    const { vars } = await descend({ ...training, initial }, run, { ...o, name: 'quantise' })
    return received(problem, engine, start, coder.encode(vars.params['w']!, vars.params['codebook']!))
  },
  restore: (saved, problem) => received(problem, engine, unflatten(saved.values), Uint8Array.from(saved.values['message']!.data)),
})

interface CompressionOptions {
  /** Documents drawn for the empirical risk. */
  readonly units: number
  readonly extraBits: number
  readonly alphas: readonly number[]
}

export const compression = (o: CompressionOptions): Bound => ({
  async certify(posterior, problem, run, delta) {
    const { decode: receive, bytes, bits } = posterior.message!
    const vars = (await receive(bytes)).weights!.point()
    const model = parametric(problem.model)
    const train = problem.dataset.meta.splits['train']!
    // Drawn now, after the hypothesis is frozen, and from a stream that training never saw.
    const sample = run.key.fold('subsample').integers([o.units], train)
    const { total } = await run.fold('risk', {
      carry: { total: zeros([o.alphas.length]) },
      steps: Math.ceil(o.units / 16),
      feed: batches(problem.dataset, 'train', { size: 16, sampler: listed(sample) }),
      step({ total }, feed, { key, engine }) {
        const { x, y, weight } = asBatch(feed)
        const losses = documentLoss(bind(model, engine.capture(vars), key, false)(x), y, o.alphas)
        return { carry: { total: total!.add(losses.mul(weight.expandDims(1)).sum(0)) } }
      },
    })
    return best(total!, o, bits, train, delta)
  },
})
