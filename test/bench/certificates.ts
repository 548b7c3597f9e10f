import { hostKey, type DatasetMeta, type Key, type Model, type Tensors, type Value, type Values, type Variables } from 'ockham'
import { tf, type Scalar, type Tensor } from 'ockham/tensor'
import { lossesOf, topKErrors } from '../../plugins/parts/bounds/index.js'
import { countsOf, decodeSymbols, encodeSymbols, kronecker, subspace } from '../../plugins/parts/compression/index.js'
import { bind, cnn, cnnOptions } from '../../plugins/parts/networks/index.js'
import { crossEntropy } from '../../plugins/parts/objectives/index.js'
import { flat } from '../../plugins/parts/priors/index.js'
import { adam, adamOptions, fromWeights, pointMass, prefix, under } from '../../plugins/parts/training/index.js'
import { inMemory } from '../../plugins/parts/training/testing.js'
import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { median, round, smallest, timed, type Result, type Row } from './row.js'

const threads = 2
const seconds = 10
const classes = 10
const key = hostKey(0)

/** The network of the example `mnist-compression`, wider. */
const network = (): Model => cnn(cnnOptions.parse({ channels: [16, 32], hidden: [64] }))

/** Times of two works in turn, ms, so that what the machine does beside meets both. */
async function inTurn(ours: () => Promise<unknown>, theirs: () => Promise<unknown>): Promise<readonly [number[], number[]]> {
  const times = [[], []] as [number[], number[]]
  const end = performance.now() + 1000 * seconds
  for (let round = 0; performance.now() < end || round < 8; round++)
    for (const [i, work] of [ours, theirs].entries()) {
      const start = performance.now()
      await work()
      // The first rounds warm up.
      if (round > 2) times[i]!.push(performance.now() - start)
    }
  return times
}

const labels = (n: number): Value => key.fold('labels').integers([n], classes)
const images = (n: number): Value => key.fold('images').normal([n, 28, 28, 1])

const meta = (): DatasetMeta =>
  inMemory({ train: { x: images(1), y: labels(1) } }, { classes: Array.from({ length: classes }, (_, i) => `${i}`) }).meta

/** A million symbols of five levels as weights have them, coded and decoded. */
const coder: Row = {
  about: 'arithmetic coder: a million symbols of five levels; the peer is the aim, 100 million a minute',
  async run(): Promise<Result> {
    const n = 1_000_000
    const symbols = Int32Array.from(key.normal([n]).data, (z) => Math.max(0, Math.min(4, Math.round(z) + 2)))
    const counts = countsOf(symbols, 5)
    const { bytes, bits } = encodeSymbols(symbols, counts)
    const encode = await timed(() => Promise.resolve(encodeSymbols(symbols, counts)), 4)
    const decode = await timed(() => Promise.resolve(decodeSymbols(bytes, n, counts)), 4)
    const perMinute = (ms: number): number => round((n * 60) / ms / 1000, 1)
    const peerMs = 600
    const ms = median(encode)
    return {
      work: 'coder',
      ms: round(ms),
      minMs: round(smallest(encode)),
      decodeMs: round(median(decode)),
      millionsAMinute: perMinute(ms),
      millionsDecodedAMinute: perMinute(median(decode)),
      bitsASymbol: round(bits / n, 4),
      peerMs,
      ratio: round(ms / peerMs),
    }
  },
}

/** The peer is ourselves: the forward pass alone on inputs that are ready, in batches of the same size. */
const risk: Row = {
  about: 'risk of a certificate: reading, predicting and losses of 4,096 images; the peer is the raw forward pass',
  async run(): Promise<Result> {
    const [n, size] = [4096, 256]
    const engine = createEngine(await onnxruntime({ threads }))
    const model = network()
    const vars = await model.init(key, meta())
    const dataset = inMemory({ train: { x: images(n), y: labels(n) } }, { classes: [...meta().classes!] })
    const problem = { model, dataset, objective: crossEntropy(), prior: flat(), examples: n }
    const posterior = fromWeights(problem, engine, pointMass(vars))
    const error = () => lossesOf(posterior, dataset, 'train', (s) => topKErrors(s.probabilities, s.classes, s.labels, 1))
    const forward = engine.compile((a: { vars: Variables; x: Tensor; key: Key }) => bind(model, a.vars, a.key, false)(a.x))
    const { data } = images(n)
    const batches = Array.from({ length: n / size }, (_, i): Value => ({
      shape: [size, 28, 28, 1],
      dtype: 'float32',
      data: data.slice(i * size * 784, (i + 1) * size * 784),
    }))
    const raw = async (): Promise<void> => {
      for (const x of batches) await forward({ vars, x, key })
    }
    const [ours, theirs] = await inTurn(error, raw)
    await engine.dispose()
    const [ms, peerMs] = [median(ours), median(theirs)]
    const throughput = { throughput: round(peerMs / ms), throughputBest: round(smallest(theirs) / smallest(ours)) }
    return { work: 'risk', ms: round(ms), peerMs: round(peerMs), ratio: round(ms / peerMs), ...throughput }
  },
}

/** One Adam step of a model inside a loop, k steps a call. */
async function training(model: Model, batch: number, stepsPerCall: number) {
  const engine = createEngine(await onnxruntime({ threads }))
  const { params, frozen } = await model.init(key, meta())
  const optimizer = adam(adamOptions.parse({}))
  const loop = engine.loop((carry, feed, { key: stream, step }) => {
    const fixed = engine.capture(frozen) as Tensors
    const gradient = (p: Tensors): Tensors =>
      engine.valueAndGrad((at): { value: Scalar; aux: object } => {
        const logits = bind(model, { params: at, frozen: fixed, state: {} }, stream, true)(feed['x']!)
        const picked = tf.logSoftmax(logits).mul(tf.oneHot(feed['y'] as never, classes))
        return { value: picked.sum(-1).mean().mul<Scalar>(-1), aux: {} }
      }, p).grads
    const { params: next, memory } = optimizer.update({
      params: under('params.', carry),
      memory: under('memory.', carry),
      gradient,
      key: stream,
      step,
      rate: tf.scalar(1),
      examples: 60_000,
    })
    return { carry: { ...prefix('params.', next), ...prefix('memory.', memory) } }
  })
  let carry = loop.load({ ...prefix('params.', params), ...prefix('memory.', optimizer.init(params)) })
  const feeds: Values[] = Array.from({ length: stepsPerCall }, () => ({ x: images(batch), y: labels(batch) }))
  let step = 0
  const advance = async (): Promise<void> => {
    ;({ carry } = await loop.advance(
      carry,
      step,
      feeds,
      feeds.map((_, i) => key.fold(i)),
    ))
    step += stepsPerCall
  }
  return { advance, close: () => engine.dispose() }
}

/** The peer is the plain step, which learns every parameter. */
const step: Row = {
  about: 'a step in a subspace of 1,000 by the Kronecker projector, batch 128; the peer is the plain step of the same network',
  async run(): Promise<Result> {
    const [batch, stepsPerCall] = [128, 8]
    const inside = await training(subspace({ of: network(), dim: 1000, projector: kronecker(), state: 'learn' }), batch, stepsPerCall)
    const plain = await training(network(), batch, stepsPerCall)
    const [ours, theirs] = (await inTurn(inside.advance, plain.advance)).map((times) => times.map((ms) => ms / stepsPerCall)) as [
      number[],
      number[],
    ]
    await inside.close()
    await plain.close()
    const [ms, peerMs] = [median(ours), median(theirs)]
    const least = { minMs: round(smallest(ours)), peerMinMs: round(smallest(theirs)), minRatio: round(smallest(ours) / smallest(theirs)) }
    return { work: 'subspace-step', ms: round(ms), peerMs: round(peerMs), ratio: round(ms / peerMs), ...least }
  },
}

export const certificateRows = { 'certificates-coder': coder, 'certificates-risk': risk, 'certificates-step': step } as const
