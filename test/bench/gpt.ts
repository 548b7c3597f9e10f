import { hostKey } from 'ockham'
import type { Advance, Call, Engine, Tensors, Values } from 'ockham'
import { tf } from 'ockham/tensor'
import type { Scalar } from 'ockham/tensor'
import { decoded, decoderInit, headed, presets, type DecoderOptions } from '../../plugins/parts/gpt/index.js'
import { adamw, adamwOptions, prefix, under } from '../../plugins/parts/training/index.js'
import { uniform } from './mlp.js'

/** Sizes of the peer's GPT. */
export const gpt: DecoderOptions = {
  ...presets.gpt2,
  layers: 4,
  width: 256,
  heads: 4,
  keyValueHeads: 4,
  feedForward: 1024,
  vocabulary: 512,
  context: 128,
  bias: false,
  dropout: 0,
}
export const batch = 8

const optimizer = adamw(adamwOptions.parse({ learningRate: 3e-4 }))

/** Mean cross-entropy of the next token; `y` [n t]. */
export function gptLoss(params: Tensors, feed: Tensors, key: Call['key']): Scalar {
  const call: Call = { train: true, key, at: (_, h) => h, next: () => undefined }
  const vars = { params, frozen: {}, state: {} }
  const logits = headed(vars, decoded(vars, feed['ids']!, call, gpt), call, gpt).reshape([-1, gpt.vocabulary])
  const picked = tf.logSoftmax(logits).mul(tf.oneHot(feed['y']!, gpt.vocabulary))
  return picked.sum(-1).mean().neg() as Scalar
}

export const gptStep: Advance = (carry, feed, { key, engine }) => {
  const params = under('p.', carry)
  let loss: Scalar = tf.scalar(0)
  const { params: next, memory } = optimizer.update({
    params,
    memory: under('o.', carry),
    gradient: (at) => {
      const { value, grads } = engine.valueAndGrad((p) => ({ value: gptLoss(p, feed, key), aux: {} }), at)
      loss = value
      return grads
    },
    key,
    step: tf.scalar(0),
    rate: tf.scalar(1),
    examples: 1,
  })
  return { carry: { ...prefix('p.', next), ...prefix('o.', memory) }, out: { loss } }
}

export function gptCarry(): Values {
  const params = decoderInit(hostKey(1), gpt)
  return { ...prefix('p.', params), ...prefix('o.', optimizer.init(params)) }
}

export function gptFeeds(count: number): Values[] {
  const next = uniform(2)
  const ids = (shape: number[]): Values[string] => ({
    shape,
    dtype: 'int32',
    data: Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.floor(next() * gpt.vocabulary)),
  })
  return Array.from({ length: count }, () => ({ ids: ids([batch, gpt.context]), y: ids([batch * gpt.context]) }))
}

/** A loop over the step, ready to advance, and how long it took to make. */
export async function gptTraining(engine: Engine) {
  const loop = engine.loop(gptStep)
  const initial = gptCarry()
  const feeds = gptFeeds(8)
  const start = performance.now()
  const plan = await loop.prepare(initial, feeds[0]!)
  const compileMs = performance.now() - start
  let carry = loop.load(initial)
  let step = 0
  const keys = feeds.map((_, i) => hostKey(0).fold(i))
  const advance = async (): Promise<readonly Values[]> => {
    const done = await loop.advance(carry, step, feeds, keys)
    carry = done.carry
    step += feeds.length
    return done.outs
  }
  return { plan, compileMs, advance, stepsPerCall: feeds.length, dispose: () => loop.dispose() }
}
