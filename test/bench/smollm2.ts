import { hostKey } from 'ockham'
import type { Advance, Call, Engine, Tensors, Value, Variables } from 'ockham'
import { tf } from 'ockham/tensor'
import type { Scalar, Tensor } from 'ockham/tensor'
import { generate, gpt, gptOptions, openPublished, surprisals, type Served } from '../../plugins/parts/gpt/index.js'
import { lora, loraOptions } from '../../plugins/parts/lora/index.js'
import { adamw, adamwOptions, prefix, under } from '../../plugins/parts/training/index.js'
import { uniform } from './mlp.js'

/** Where the published file is. */
export const file = process.env['OCKHAM_SMOLLM2']

const undescribed = { task: 'language', splits: {}, shapes: {}, digest: '', licence: '' }

/** SmolLM2 as a spec has it. */
export async function smollm2(engine: Engine, path: string): Promise<Served> {
  const model = gpt(gptOptions.parse({ file: path }))
  return { model, vars: await model.init(hostKey(0), undescribed), sizes: model.sizes(undescribed), engine }
}

function tokens(shape: readonly number[], vocabulary: number): Value {
  const next = uniform(2)
  const size = shape.reduce((a, b) => a * b, 1)
  return { shape, dtype: 'int32', data: Int32Array.from({ length: size }, () => Math.floor(next() * vocabulary)) }
}

const passing = (key: Call['key'], train: boolean): Call => ({ train, key, at: (_, h) => h, next: () => undefined })

/** A unit of work to be timed, and what ends it. */
export interface Work {
  run(): Promise<unknown>
  dispose(): void
}

/** Logits of 1,024 tokens, read by the host. */
export function forward({ model, vars, sizes, engine }: Served): Work {
  const program = engine.compile((a: { x: Tensor; key: Call['key'] }) =>
    model.apply(engine.capture(vars) as Variables, a.x, passing(a.key, false)),
  )
  const x = tokens([1, 1024], sizes.vocabulary)
  return { run: () => program({ x, key: hostKey(0) }), dispose: () => program.dispose() }
}

/** Rows and tokens of a step. */
export const [rows, length] = [4, 128]

/** One AdamW step of adapters of rank 8 on every linear layer, 4 × 128 tokens, inside a fold. */
export async function loraStep({ model: base, sizes, engine }: Served): Promise<Work> {
  const options = loraOptions.omit({ of: true }).parse({ targets: 'linear', rank: 8, alpha: 16 })
  const model = lora(base, options)
  const { params, frozen } = await model.init(hostKey(0), undescribed)
  const optimizer = adamw(adamwOptions.parse({ learningRate: 1e-3 }))
  const step: Advance = (carry, feed, { key, engine: inside }) => {
    const fixed = inside.capture(frozen) as Tensors
    const loss = (p: Tensors): Scalar => {
      const logits = model.apply({ params: p, frozen: fixed, state: {} }, feed['x']!, passing(key, true))
      return surprisals(logits.reshape([-1, sizes.vocabulary]), feed['y']!.reshape([-1])).mean()
    }
    let value: Scalar = tf.scalar(0)
    const next = optimizer.update({
      params: under('p.', carry),
      memory: under('o.', carry),
      gradient: (at) => {
        const found = inside.valueAndGrad((p) => ({ value: loss(p), aux: {} }), at)
        value = found.value
        return found.grads
      },
      key,
      step: tf.scalar(0),
      rate: tf.scalar(1),
      examples: 1,
    })
    return { carry: { ...prefix('p.', next.params), ...prefix('o.', next.memory) }, out: { loss: value } }
  }
  const loop = engine.loop(step)
  let carry = loop.load({ ...prefix('p.', params), ...prefix('o.', optimizer.init(params)) })
  const all = tokens([rows, length + 1], sizes.vocabulary)
  const cut = (from: number): Value => ({
    shape: [rows, length],
    dtype: 'int32',
    data: Int32Array.from({ length: rows * length }, (_, i) => all.data[Math.floor(i / length) * (length + 1) + (i % length) + from]!),
  })
  const feed = { x: cut(0), y: cut(1) }
  let done = 0
  return {
    async run() {
      const result = await loop.advance(carry, done++, [feed], [hostKey(done)])
      carry = result.carry
      return result.outs
    },
    dispose: () => loop.dispose(),
  }
}

/** Tokens that a text gains. */
export const added = 48

/** A greedy continuation of five tokens by 48. */
export function greedy(served: Served, path: string): Work {
  const opened = openPublished(path)
  const { end: _, ...tokenizer } = opened.tokenizer()
  opened.close()
  const prompts = [[504, 3575, 282, 4649, 314]]
  return { run: () => generate(served, { prompts, tokens: added, tokenizer }), dispose: () => undefined }
}
