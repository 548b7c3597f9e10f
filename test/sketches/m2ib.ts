/*
 * Multi-modal information bottleneck attribution (Wang, Rudner, Wilson 2023): which tokens of an image (or a caption) a
 * two-tower model needs, by the noise it bears at each. Learnt mask λ = σ(α) at one block: z = λh + (1 − λ)ε.
 */
import type { Evaluation, Json, Value } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { adam, adamOptions, asInput, bind, like, map, parametric, value } from './parts.js'

interface Options {
  readonly tower: 'image' | 'text'
  readonly afterBlock: number
  readonly beta: number
  readonly steps: number
  readonly samples: number
  readonly pairs: number
}

/** Mean cosine of the rows of a [S, E] with b [1, E]. */
declare const cosine: (a: Tensor, b: Tensor) => Scalar
/** Share of the information that sits at the class token. */
declare const classShare: (maps: readonly Value[]) => number
declare const heatMap: (maps: readonly Value[]) => Json

/** KL(N(λh, (1 − λ)²) ‖ N(0, 1)) an element, nats; −ln(1 − λ) = softplus(α). */
const information = (h: Tensor, alpha: Tensor): Tensor => {
  const lambda = alpha.sigmoid()
  return lambda.mul(h).square().add(tf.sub(1, lambda).square()).sub(1).mul(0.5).add(alpha.softplus())
}

export const m2ib = (o: Options): Evaluation => ({
  async evaluate(posterior, problem, run) {
    const model = parametric(problem.model)
    const vars = posterior.weights!.point()
    const point = `${o.tower}.block${o.afterBlock}.out`
    const own = `${o.tower}.embedding`
    const other = `${o.tower === 'image' ? 'text' : 'image'}.embedding`
    const optimizer = adam(adamOptions.parse({ learningRate: 1 }))
    let maps: Readonly<Record<string, Value>> = {}

    // One step a pair: a mask is optimised within the step, so that all pairs share one program.
    await run.fold('pairs', {
      carry: {},
      steps: o.pairs,
      feed: (pair) => problem.dataset.read('test', value([pair], [1], 'int32')),

      step(_, feed, { engine, key, step }) {
        // Captured weights are inputs of the program, never constants in it.
        const net = bind(model, engine.capture(vars), key, false)
        const x = asInput(feed)
        const clean = map(net.points(x, [point, other]), engine.stop)
        const h = clean[point]! // [1, T, D]

        const objective = (alpha: Tensor, noise: Tensor): Scalar => {
          const lambda = alpha.sigmoid()
          const z = h.mul(lambda).add(tf.sub(1, lambda).mul(noise)) // [S, T, D]
          // The blocks before the point become dead code.
          const embedding = net.points(x, [own], { at: (name, v) => (name === point ? z : v) })[own]!
          return information(h, alpha).mean().mul<Scalar>(o.beta).sub(cosine(embedding, clean[other]!))
        }

        let params: Record<string, Tensor> = { alpha: tf.fill(h.shape, 5) }
        let memory = map(optimizer.init({ alpha: blank(h.shape) }), (v) => tf.zeros([...v.shape]))
        for (let t = 1; t < o.steps; t++) {
          const noise = key
            .fold('noise')
            .fold(t)
            .normal([o.samples, ...h.shape.slice(1)])
          const gradient = (p: typeof params): typeof params => ({
            ...engine.valueAndGrad((at) => ({ value: objective(at['alpha']!, noise), aux: null }), p).grads,
          })
          const next = optimizer.update({ params, memory, gradient, key, step, rate: tf.scalar(1), examples: 1 })
          params = { ...next.params }
          memory = { ...next.memory }
        }
        return { carry: {}, out: { map: information(h, params['alpha']!).sum(-1) } } // [1, T]
      },

      absorb: (pair, { map: found }) => (maps = { ...maps, [pair]: found! }),
      host: { save: () => maps, load: (saved) => (maps = saved) },
    })

    const found = Object.values(maps)
    return {
      values: { 'test/class-token-share': classShare(found) },
      tables: { maps: found.map(({ data }, pair) => ({ pair, information: Array.from(data) })) },
      figures: { heat: heatMap(found) },
    }
  },
})

const blank = (shape: readonly number[]): Value =>
  like({ alpha: value(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape) })['alpha']!
