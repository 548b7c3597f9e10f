import {
  hostKey,
  type Advance,
  type DatasetMeta,
  type Dataset,
  type Prior,
  type Problem,
  type Tensors,
  type Value,
  type Values,
} from 'ockham'
import { tf, type Scalar } from 'ockham/tensor'
import fseb from '../../plugins/methods/fseb/index.js'
import lmap from '../../plugins/methods/lmap/index.js'
import { cnn, cnnOptions } from '../../plugins/parts/networks/index.js'
import { crossEntropy } from '../../plugins/parts/objectives/index.js'
import { normal } from '../../plugins/parts/priors/index.js'
import { adam, adamOptions, asBatch, jointPass, prefix, under, weightedMean } from '../../plugins/parts/training/index.js'
import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { componentOf } from '../suites/index.js'
import { median, round, smallest, timed, type Result, type Row } from './row.js'

const [batchRows, classes, stepsPerCall, threads, seconds, turns] = [128, 10, 8, 2, 4, 2] as const
const model = cnn(cnnOptions.parse({}))
const optimizer = adam(adamOptions.parse({}))

const images = (rows: number, seed: number): Value => hostKey(seed).fold('images').normal([rows, 28, 28, 1])

/** A context set of which every read gives the same images, so that reading costs nothing. */
function still(): Dataset {
  const x = images(batchRows, 3)
  const meta = { splits: { train: batchRows }, shapes: { x: { shape: [28, 28, 1], dtype: 'float32' } } } as unknown as DatasetMeta
  return { meta, read: () => ({ x }) }
}

const problemOf = (prior: Prior): Problem => {
  const { meta } = still()
  const dataset: Dataset = { meta: { ...meta, classes: Array.from({ length: classes }, (_, c) => `${c}`) }, read: () => ({}) }
  return { model, dataset, objective: crossEntropy(), prior, examples: 60_000 }
}

/** A step of the descent with a prior: the joint pass, its gradient and Adam. */
const advanceOf =
  (problem: Problem): Advance =>
  (carry, feed, { key, engine, step }) => {
    let loss: Scalar = tf.scalar(0)
    const gradient = (at: Tensors): Tensors => {
      const { value, grads } = engine.valueAndGrad((params) => {
        const pass = jointPass(problem, {
          vars: { params, frozen: {}, state: {} },
          batch: asBatch(under('batch.', feed)),
          memory: { objective: {}, prior: under('prior.', carry) },
          feed: { objective: {}, prior: under('prior.', feed) },
          key,
          engine,
          progress: tf.scalar(0),
        })
        return { value: weightedMean(pass.loss, pass.weight).add<Scalar>(pass.energy.div(problem.examples)), aux: null }
      }, at)
      loss = value
      return grads
    }
    const params = under('params.', carry)
    const made = optimizer.update({ params, memory: under('optimizer.', carry), gradient, key, step, rate: tf.scalar(1), examples: 1 })
    return {
      carry: { ...prefix('params.', made.params), ...prefix('optimizer.', made.memory), ...prefix('prior.', under('prior.', carry)) },
      out: { loss },
    }
  }

/** Milliseconds of steps with a prior, asked for as often as wanted. */
async function training(prior: Prior) {
  const engine = createEngine(await onnxruntime({ threads }))
  const problem = problemOf(prior)
  const loop = engine.loop(advanceOf(problem))
  const vars = await model.init(hostKey(1), problem.dataset.meta)
  const initial: Values = {
    ...prefix('params.', vars.params),
    ...prefix('optimizer.', optimizer.init(vars.params)),
    ...prefix('prior.', (await prior.init?.(problem, vars, hostKey(2))) ?? {}),
  }
  const feeds: Values[] = []
  for (let i = 0; i < stepsPerCall; i++)
    feeds.push({
      ...prefix('batch.', {
        x: images(batchRows, i),
        y: hostKey(i).integers([batchRows], classes),
        weight: { shape: [batchRows], dtype: 'float32', data: new Float32Array(batchRows).fill(1) },
        index: hostKey(i).permutation(batchRows),
      }),
      ...prefix('prior.', (await prior.feed?.(i, hostKey(4), problem)) ?? {}),
    })
  const { nodes, stepsPerCall: advised } = await loop.prepare(initial, feeds[0]!)
  let carry = loop.load(initial)
  let step = 0
  const used = feeds.slice(0, Math.min(stepsPerCall, advised))
  const call = async (): Promise<void> => {
    const keys = used.map((_, i) => hostKey(5).fold(step + i))
    carry = (await loop.advance(carry, step, used, keys)).carry
    step += used.length
  }
  const close = async (): Promise<void> => {
    loop.dispose()
    await engine.dispose()
  }
  return { nodes, close, ms: async () => (await timed(call, seconds)).map((ms) => ms / used.length) }
}

/** Of a prior and of plain descent in turn, since the load of a shared machine changes. */
const rowOf = (name: string, about: string, make: () => Promise<Prior>): Row => ({
  about,
  async run(): Promise<Result> {
    const [plain, other] = [await training(normal({ scale: 0.316 })), await training(await make())]
    const [base, ours]: [number[], number[]] = [[], []]
    const megabytes: number[] = []
    for (let turn = 0; turn < turns; turn++) {
      base.push(...(await plain.ms()))
      ours.push(...(await other.ms()))
      megabytes.push(process.memoryUsage().rss / 2 ** 20)
    }
    await plain.close()
    await other.close()
    const [ms, peerMs] = [median(ours), median(base)]
    return {
      work: name,
      ms: round(ms),
      minMs: round(smallest(ours)),
      peerMs: round(peerMs),
      peerMinMs: round(smallest(base)),
      ratio: round(ms / peerMs),
      minRatio: round(smallest(ours) / smallest(base)),
      nodes: other.nodes,
      megabytes: round(megabytes.at(-1)!, 0),
      grown: round(megabytes.at(-1)! - megabytes[0]!, 0),
    }
  },
})

const of = 'CNN 32-64-256 on 28×28, batch 128, one Adam step inside a fold, 2 threads'
export const priorRows: Readonly<Record<string, Row>> = {
  fseb: rowOf('fseb', `${of}, with 128 context points under fseb, against a normal prior; the operations say 2.67`, () =>
    componentOf(fseb, 'prior', 'fseb', { context: still() }),
  ),
  lmap: rowOf('lmap', `${of}, under lmap at the batch's points, against a normal prior; two passes instead of one`, () =>
    componentOf(lmap, 'prior', 'lmap'),
  ),
  'lmap-signs': rowOf('lmap-signs', `${of}, under lmap with random signs`, () =>
    componentOf(lmap, 'prior', 'lmap', { perturbation: 'rademacher' }),
  ),
}
