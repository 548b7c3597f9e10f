import type { Advance, Carry, Loop, Tensors, Value, Values } from 'ockham'
import { tf } from 'ockham/tensor'
import type { Scalar, Tensor } from 'ockham/tensor'
import { createEngine, type Executor } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'

/** Sizes of the benchmark's network, those of the peer. */
export const sizes = { batch: 64, inputs: 784, hidden: 256, classes: 10 } as const
const { batch, inputs, hidden, classes } = sizes

const shapes = {
  'layer0.kernel': [inputs, hidden],
  'layer0.bias': [hidden],
  'head.kernel': [hidden, classes],
  'head.bias': [classes],
} as const
const names = Object.keys(shapes) as (keyof typeof shapes)[]
const adam = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }

const filled = (shape: readonly number[], at: () => number): Value => ({
  shape,
  dtype: 'float32',
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, at),
})

/** A small generator of uniform numbers (mulberry32), so that runs are alike. */
export function uniform(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Parameters, both moments, and a vector that no step changes. */
export function initialCarry(): Values {
  const next = uniform(1)
  const entries = names.flatMap((name) => {
    const shape = shapes[name]
    return [
      [name, filled(shape, () => (next() - 0.5) / 10)],
      [`m.${name}`, filled(shape, () => 0)],
      [`v.${name}`, filled(shape, () => 0)],
    ] as const
  })
  return Object.fromEntries([...entries, ['still', filled([1000], next)]])
}

export function feedsOf(count: number): Values[] {
  const next = uniform(2)
  return Array.from({ length: count }, () => ({
    x: filled([batch, inputs], () => 2 * next() - 1),
    y: { shape: [batch], dtype: 'int32', data: Int32Array.from({ length: batch }, () => Math.floor(next() * classes)) },
  }))
}

const crossEntropy = (p: Tensors, feed: Tensors): Scalar => {
  const h = tf.relu(feed['x']!.matMul(p['layer0.kernel']!).add(p['layer0.bias']!))
  const logits = h.matMul(p['head.kernel']!).add(p['head.bias']!)
  const picked = tf.logSoftmax(logits).mul(tf.oneHot(feed['y']!, classes))
  return picked.sum(-1).mean().neg() as Scalar
}

/** One Adam step (Kingma and Ba 2015, with the bias corrections moved into the rate and ε), cross-entropy loss. */
export const adamStep: Advance = (carry, feed, { step, engine }) => {
  const params = Object.fromEntries(names.map((name) => [name, carry[name]!]))
  const { value, grads } = engine.valueAndGrad((p) => ({ value: crossEntropy(p, feed), aux: {} }), params)
  const t = step.add(1)
  const correct = (beta: number): Tensor => tf.sub(1, t.mul(Math.log(beta)).exp())
  const root = correct(adam.beta2).sqrt()
  const [rate, epsilon] = [root.mul(adam.rate).div(correct(adam.beta1)), root.mul(adam.epsilon)]
  const next: Record<string, Tensor> = { still: carry['still']! }
  for (const name of names) {
    const g = grads[name]!
    const m = carry[`m.${name}`]!.mul(adam.beta1).add(g.mul(1 - adam.beta1))
    const v = carry[`v.${name}`]!.mul(adam.beta2).add(g.square().mul(1 - adam.beta2))
    next[name] = carry[name]!.sub(m.div(v.sqrt().add(epsilon)).mul(rate))
    next[`m.${name}`] = m
    next[`v.${name}`] = v
  }
  return { carry: next, out: { loss: value } }
}

/** The loop, on ONNX Runtime unless another executor is given, and a function that takes k more steps. */
export async function training(
  threads: number,
  executor?: Executor,
): Promise<{ advance(feeds: readonly Values[]): Promise<Carry>; loop: Loop; close(): Promise<void> }> {
  const engine = createEngine(executor ?? (await onnxruntime({ threads })))
  const loop = engine.loop(adamStep)
  let carry = loop.load(initialCarry())
  let step = 0
  const advance = async (feeds: readonly Values[]): Promise<Carry> => {
    ;({ carry } = await loop.advance(carry, step, feeds, []))
    step += feeds.length
    return carry
  }
  const close = async (): Promise<void> => {
    loop.dispose()
    await engine.dispose()
  }
  return { advance, loop, close }
}
