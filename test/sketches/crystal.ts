/*
 * Crystals as text (Gruver et al. 2024): a language model fine-tuned by LoRA writes structures, a graph network relaxes them,
 * and the energy above the hull says which may exist.
 */
import type { Evaluation, HostKey, Key, Model, Run, Tensors, Value, Values, Variables } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { bind, parametric, prefix, under, value, zeros } from './parts.js'

interface Structure {
  readonly cell: Value
  readonly species: Value
  readonly positions: Value
}
declare const kaiming: (key: HostKey, shape: readonly number[]) => Value
/** Top-p draw at a temperature, int32 [1]; masked tokens are never drawn. */
declare const nucleus: (logits: Tensor, allowed: Tensor, o: GenerateOptions, key: Key) => Tensor
/** 1 where the grammar lets a token follow, [V]. */
declare const grammar: (ids: Value, length: Value) => Value
declare const emptyCache: (model: Model, vars: Variables<Value>, tokens: number) => Values
declare const parse: (ids: Value) => Structure | undefined
/** Neighbours within 5 Å and triples within 4 Å, padded to the next bucket, so that a relaxation meets a handful of shapes. */
declare const graphOf: (structure: Structure) => Values
/** The graph with positions and cell moved by a strain [3, 3]. */
declare const strained: (graph: Tensors, at: Tensors) => Tensors
declare const fire: (structure: Structure, forces: (s: Structure) => Promise<Values>) => Promise<Structure & { energy: number }>
declare const aboveHull: (composition: Value, energy: number) => number

/** LoRA: W + (α/r) A B at chosen kernels. Base weights are frozen; nothing is merged behind one's back. */
export const lora = (base: Model, o: { targets: (kernel: string) => boolean; rank: number; alpha: number }): Model => ({
  async init(key, meta) {
    const { params: whole, frozen, state } = await base.init(key.fold('base'), meta)
    const params: Record<string, Value> = {}
    for (const [name, { shape }] of Object.entries(whole).filter(([kernel]) => o.targets(kernel))) {
      params[`${name}.A`] = kaiming(key.fold(name), [shape[0]!, o.rank])
      params[`${name}.B`] = zeros([o.rank, shape[1]!])
    }
    return { params, frozen: { ...whole, ...frozen }, state }
  },
  apply({ params, frozen, state }, x, call) {
    const adapted = Object.entries(frozen).map(([name, w]) => {
      const A = params[`${name}.A`]
      return [name, A ? w.add(A.matMul(params[`${name}.B`]!).mul(o.alpha / o.rank)) : w] as const
    })
    return base.apply({ params: Object.fromEntries(adapted), frozen: {}, state }, x, call)
  },
})

interface GenerateOptions {
  readonly tokens: number
  readonly temperature: number
  readonly topP: number
}

/** Generation is a fold: the key-value cache is model state of one static length, and each step writes one position. */
export const generate = (model: Model, vars: Variables<Value>, start: Value, run: Run, o: GenerateOptions): Promise<Values> =>
  run.fold('decode', {
    carry: { ...prefix('cache.', emptyCache(model, vars, o.tokens)), ids: zeros([o.tokens], 'int32'), last: start, at: zeros([], 'int32') },
    steps: o.tokens,
    step({ ids, last, at, ...carry }, _, { engine, key }) {
      const net = bind(model, { ...engine.capture(vars), state: under('cache.', carry) }, key, false)
      const logits = net({ ids: last!, at: at! })
      const [allowed] = engine.host((soFar, n) => [grammar(soFar, n)], [ids!, at!], [logits.shape.slice(1)])
      const token = nucleus(logits, allowed!, o, key.fold('token'))
      const written = tf.oneHot(at!.cast('int32'), o.tokens).mul(token)
      return { carry: { ...prefix('cache.', net.state()), ids: ids!.add(written), last: token, at: at!.add(1) }, out: { token } }
    },
  })

/** Energy, forces and virial of an ordinary model; FIRE and neighbour lists are float64 on the host. */
export const relaxer = (model: Model, vars: Variables<Value>, run: Run): ((s: Structure) => Promise<Structure & { energy: number }>) => {
  const program = run.engine.compile((a: { vars: Variables; graph: Tensors; key: Key }) => {
    const still = { positions: a.graph['positions']!, strain: tf.zeros([3, 3]) }
    const energy = (at: Tensors): Scalar => bind(model, a.vars, a.key, false)(strained(a.graph, at)).sum()
    const { value: total, grads } = run.engine.valueAndGrad((at) => ({ value: energy(at), aux: null }), still)
    return { energy: total, force: grads['positions']!.neg(), virial: grads['strain']! }
  })
  return (structure) => fire(structure, (s) => program({ vars, graph: graphOf(s), key: run.key }))
}

interface QualityOptions extends GenerateOptions {
  readonly samples: number
  readonly potential: { readonly model: Model; readonly vars: Variables<Value> }
}

export const crystalQuality = (o: QualityOptions): Evaluation => ({
  async evaluate(posterior, problem, run) {
    const relax = relaxer(o.potential.model, o.potential.vars, run)
    const heights: (number | undefined)[] = []
    for (let i = 0; i < o.samples; i++) {
      const { height } = await run.stage(`sample ${i}`, async (stage) => {
        const vars = await posterior.weights!.sample(stage.key.fold('weights'))
        const { ids } = await generate(parametric(problem.model), vars, value([1], [1], 'int32'), stage, o)
        const structure = parse(ids!)
        const relaxed = structure && (await relax(structure))
        return { height: value(relaxed ? [aboveHull(relaxed.species, relaxed.energy)] : []) }
      })
      heights.push(height.data[0])
    }
    const share = (holds: (h: number | undefined) => boolean): number => heights.filter(holds).length / o.samples
    return { values: { 'sampled/parsed': share((h) => h !== undefined), 'sampled/metastable': share((h) => h !== undefined && h < 0.1) } }
  },
})
