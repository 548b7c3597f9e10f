/*
 * Controllable prompt tuning (Phan, Wilson, Lei 2024): prompts before every block of a frozen transformer, trained so that
 * the losses of all groups fall together at a chosen balance.
 */
import type { Call, Engine, Inference, Model, Optimizer, Sampler, Tensors, Value } from 'ockham'
import { tf, type Tensor } from 'ockham/tensor'
import { descend, drawn, fromWeights, pointMass, savedWeights, split } from './parts.js'

interface PromptOptions {
  readonly tokens: number
  readonly width: number
  readonly blocks: number
  readonly dropout: number
  /** Which parameters of the backbone are learnt beside the prompts: the head. */
  readonly learn: (name: string) => boolean
}
declare const scaled: (uniform: Value) => Value
/** [CLS, prompt, patches]; from the second block on, the prompt of the block before is replaced. */
declare const withPrompt: (h: Tensor, prompt: Tensor, replace: boolean) => Tensor
/** Weights on the simplex from group losses and the Gram matrix of their gradients, by a K × K linear programme. */
declare const balanced: (gram: Value, losses: Value, counts: Value, control: readonly number[]) => Value
/** ⟨gᵢ, gⱼ⟩ over all parameters, [K, K]. */
declare const gram: (gradients: readonly Tensors[]) => Tensor
/** Σ αₖ gₖ. */
declare const combined: (gradients: readonly Tensors[], alpha: Tensor) => Tensors

export const prompted = (base: Model, o: PromptOptions): Model => ({
  async init(key, meta) {
    const { params, frozen, state } = split(await base.init(key.fold('base'), meta), o.learn)
    const prompts: Record<string, Value> = {}
    for (let i = 0; i < o.blocks; i++) prompts[`prompt${i}`] = scaled(key.fold('prompt').fold(i).uniform([1, o.tokens, o.width]))
    return { params: { ...prompts, ...params }, frozen, state }
  },

  apply({ params, frozen, state }, x, call) {
    const dropped = (prompt: Tensor, i: number): Tensor =>
      call.train ? prompt.mul(call.key.fold(`prompt${i}`).bernoulli(1 - o.dropout, prompt.shape)).div(1 - o.dropout) : prompt
    // The backbone is in evaluation mode; only the prompts know that this is training.
    const inner: Call = {
      ...call,
      train: false,
      at(point, h) {
        const i = Number(/^block(\d+)\.in$/.exec(point)?.[1] ?? NaN)
        return call.at(point, Number.isNaN(i) ? h : withPrompt(h, dropped(params[`prompt${i}`]!, i), i > 0))
      },
    }
    return base.apply({ params: { ...params, ...frozen }, frozen: {}, state }, x, inner)
  },
})

/** Rows with probability ∝ (size of their group)^−alpha. A pure function of key and step, so resuming is a number. */
export const weighted = (o: { readonly by: 'class' | 'group'; readonly alpha: number; readonly labels: Int32Array }): Sampler => ({
  rows(meta, name, step, size, key) {
    const counts = meta.counts?.[name]?.[o.by] ?? []
    const weights = Array.from(o.labels, (label) => counts[label]! ** -o.alpha)
    return drawn(weights, size, key.fold(step))
  },
})

interface BalanceOptions {
  /** The larger a group's number, the lower its loss is driven. */
  readonly control?: readonly number[]
  readonly optimizer: Optimizer
  readonly sampler: Sampler
  readonly steps: number
  readonly size: number
}

export const balance = (o: BalanceOptions, { engine }: { readonly engine: Engine }): Inference => ({
  async infer(problem, run) {
    const K = problem.dataset.meta.groups!.length
    const control = o.control ?? Array<number>(K).fill(1)
    const { vars } = await descend(problem, run, {
      ...o,
      combine({ engine: traced, params, loss, batch }) {
        // One forward pass, K pulls.
        const { y: losses, pull } = traced.vjp((p) => ({ y: loss(p), aux: null }), params)
        const member = tf.oneHot(batch.group!.cast('int32'), K).mul(batch.weight.expandDims(1)) // [n, K]
        const counts = member.sum(0) // [K], zero where a group is absent
        const share = member.div(counts.maximum(1))
        const groupLoss = share.mul(losses.expandDims(1)).sum(0)
        const gradients = tf.unstack(share, 1).map(pull)
        const [alpha] = traced.host((C, l, n) => [balanced(C, l, n, control)], [gram(gradients), groupLoss, counts], [[K]])
        return { gradient: combined(gradients, alpha!), out: { alpha: alpha!, groupLoss, counts } }
      },
    })
    return fromWeights(problem, run.engine, pointMass(vars))
  },
  restore: async (saved, problem) => fromWeights(problem, engine, pointMass(await savedWeights(saved, problem))),
})
