import {
  hostKey,
  type Advance,
  type DatasetMeta,
  type HostKey,
  type Key,
  type LoopPlan,
  type Model,
  type Tensors,
  type Value,
  type Values,
} from 'ockham'
import { tf } from 'ockham/tensor'
import type { Scalar, Tensor } from 'ockham/tensor'
import { bind, cnn, cnnOptions, resnet, resnetOptions } from '../../plugins/parts/networks/index.js'
import { createEngine, type Executor } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { uniform } from './mlp.js'

/** A training step of the benchmark: what a peer of the same name does. */
export interface Work {
  readonly model: Model
  readonly batch: number
  readonly image: readonly [number, number, number]
  readonly optimizer: 'adam' | 'momentum'
  readonly stepsPerCall: number
}

export const works = {
  cnn: { model: cnn(cnnOptions.parse({})), batch: 128, image: [28, 28, 1], optimizer: 'adam', stepsPerCall: 16 },
  resnet18: { model: resnet(resnetOptions.parse({})), batch: 32, image: [32, 32, 3], optimizer: 'momentum', stepsPerCall: 2 },
  'resnet18-w16': {
    model: resnet(resnetOptions.parse({ width: 16 })),
    batch: 128,
    image: [32, 32, 3],
    optimizer: 'momentum',
    stepsPerCall: 4,
  },
} satisfies Record<string, Work>

const classes = 10

/** Of a dataset's description, what these models read. */
const metaOf = (image: readonly number[]): DatasetMeta =>
  ({
    shapes: { x: { shape: image, dtype: 'float32' } },
    classes: Array.from({ length: classes }, (_, i) => `${i}`),
  }) as unknown as DatasetMeta

const filled = (shape: readonly number[], at: () => number): Value => ({
  shape,
  dtype: 'float32',
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, at),
})

const prefixed = (values: Values, prefix: string): Values =>
  Object.fromEntries(Object.entries(values).map(([name, v]) => [`${prefix}.${name}`, v]))
const zeros = (values: Values): Values => Object.fromEntries(Object.entries(values).map(([name, v]) => [name, filled(v.shape, () => 0)]))
const part = (carry: Tensors, prefix: string): Tensors =>
  Object.fromEntries(
    Object.entries(carry).flatMap(([name, t]) => (name.startsWith(`${prefix}.`) ? [[name.slice(prefix.length + 1), t]] : [])),
  )

async function initialCarry(work: Work, key: HostKey): Promise<Values> {
  const { params, state } = await work.model.init(key, metaOf(work.image))
  const memory =
    work.optimizer === 'adam' ? { ...prefixed(zeros(params), 'm'), ...prefixed(zeros(params), 'v') } : prefixed(zeros(params), 'm')
  return { ...prefixed(params, 'p'), ...prefixed(state, 's'), ...memory }
}

export function feedsOf(work: Work): Values[] {
  const next = uniform(2)
  return Array.from({ length: work.stepsPerCall }, () => ({
    x: filled([work.batch, ...work.image], () => 2 * next() - 1),
    y: { shape: [work.batch], dtype: 'int32', data: Int32Array.from({ length: work.batch }, () => Math.floor(next() * classes)) },
  }))
}

const crossEntropy = (logits: Tensor, y: Tensor): Scalar => tf.logSoftmax(logits).mul(tf.oneHot(y, classes)).sum(-1).mean().neg() as Scalar

type Update = (g: Tensor, p: Tensor, m: Tensor, v: Tensor | undefined) => { p: Tensor; m: Tensor; v?: Tensor }

/** PyTorch's SGD with momentum 0.9. */
const momentum: Update = (g, p, m) => {
  const next = m.mul(0.9).add(g)
  return { p: p.sub(next.mul(0.1)), m: next }
}

/** Kingma and Ba 2015, the bias corrections moved into the rate and ε. */
const adam = (step: Scalar): Update => {
  const t = step.add(1)
  const correct = (beta: number): Tensor => tf.sub(1, t.mul(Math.log(beta)).exp())
  const root = correct(0.999).sqrt()
  const [rate, epsilon] = [root.mul(1e-3).div(correct(0.9)), root.mul(1e-8)]
  return (g, p, m, v) => {
    const [m1, v1] = [m.mul(0.9).add(g.mul(0.1)), v!.mul(0.999).add(g.square().mul(0.001))]
    return { p: p.sub(m1.div(v1.sqrt().add(epsilon)).mul(rate)), m: m1, v: v1 }
  }
}

/** The models draw nothing. */
const noKey = undefined as unknown as Key

const advanceOf =
  (work: Work): Advance =>
  (carry, feed, { step, engine }) => {
    const [params, state, m, v] = ['p', 's', 'm', 'v'].map((prefix) => part(carry, prefix)) as [Tensors, Tensors, Tensors, Tensors]
    const { value, grads, aux } = engine.valueAndGrad((p) => {
      const net = bind(work.model, { params: p, frozen: {}, state }, noKey, true)
      return { value: crossEntropy(net(feed['x']!), feed['y']!), aux: net.state() }
    }, params)
    const update = work.optimizer === 'adam' ? adam(step) : momentum
    const next: Record<string, Tensor> = Object.fromEntries(Object.entries(aux).map(([name, t]) => [`s.${name}`, t]))
    for (const name of Object.keys(params)) {
      const made = update(grads[name]!, params[name]!, m[name]!, v[name])
      next[`p.${name}`] = made.p
      next[`m.${name}`] = made.m
      if (made.v) next[`v.${name}`] = made.v
    }
    return { carry: next, out: { loss: value } }
  }

/** A training loop ready to advance. */
export interface Training {
  readonly compileMs: number
  readonly plan: LoopPlan
  /** Takes k more steps in a call, and gives the loss before the last. */
  advance(): Promise<number>
  close(): Promise<void>
}

export async function training(work: Work, threads: number, executor?: Executor): Promise<Training> {
  const engine = createEngine(executor ?? (await onnxruntime({ threads })))
  const loop = engine.loop(advanceOf(work))
  const initial = await initialCarry(work, hostKey(1))
  const feeds = feedsOf(work)
  const start = performance.now()
  const plan = await loop.prepare(initial, feeds[0]!)
  const compileMs = performance.now() - start
  let carry = loop.load(initial)
  let step = 0
  return {
    compileMs,
    plan,
    async advance() {
      const made = await loop.advance(carry, step, feeds, [])
      carry = made.carry
      step += feeds.length
      return made.outs.at(-1)!['loss']!.data[0]!
    },
    async close() {
      loop.dispose()
      await engine.dispose()
    },
  }
}
