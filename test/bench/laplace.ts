import { hostKey, type Engine, type Model, type Problem, type Values } from 'ockham'
import laplace, { type LaplacePosterior } from '../../plugins/methods/laplace/index.js'
import datasets from '../../plugins/parts/datasets/index.js'
import networks from '../../plugins/parts/networks/index.js'
import { crossEntropy } from '../../plugins/parts/objectives/index.js'
import { normal } from '../../plugins/parts/priors/index.js'
import training, { fromWeights, pointMass, value } from '../../plugins/parts/training/index.js'
import { createEngine } from '../../plugins/services/engine/index.js'
import { onnxruntime } from '../../plugins/services/onnxruntime/index.js'
import { componentOf, freshRun, inMemory } from '../suites/index.js'
import { laplacePeer } from './laplace-peer.js'
import { round, smallest, type Result, type Row } from './row.js'

const threads = 2
const images = 2000
const predicted = 200
const key = hostKey(0)
const classes = Array.from({ length: 10 }, (_, c) => String(c))
const pictures = (n: number): Values => ({
  x: key.fold('images').uniform([n, 28, 28, 1]),
  y: key.fold('labels').integers([n], 10),
})

/** Random images, as the peer has them: the time does not depend on what they show. */
async function random(engine: Engine, model: Model): Promise<Problem> {
  const problem: Problem = {
    model,
    dataset: inMemory({ train: pictures(images) }, { classes }),
    objective: crossEntropy(),
    prior: normal({ scale: 1 }),
    examples: images,
  }
  return { ...problem, initial: fromWeights(problem, engine, pointMass(await model.init(key, problem.dataset.meta))) }
}

/** Least milliseconds of a few calls, the first one apart. */
async function clocked<T>(times: number, work: () => Promise<T>): Promise<{ first: number; least: number; last: T }> {
  const spent: number[] = []
  let last: T | undefined
  for (let i = 0; i <= times; i++) {
    const start = performance.now()
    last = await work()
    spent.push(performance.now() - start)
  }
  return { first: spent[0]!, least: smallest(spent.slice(1)), last: last! }
}

/** Seconds per 1000 images of fit (one pass and what follows it) and of linearised prediction with the probit link. */
async function measured(
  engine: Engine,
  problem: Problem,
  structure: 'kfac' | 'diagonal',
  size: number,
  times: number,
): Promise<{ fit: number; predict: number; decompose: number }> {
  const after = await componentOf(training, 'inference', 'given', {}, { engine })
  const inference = await componentOf(laplace, 'inference', 'laplace', { after, structure, subset: 'all', tune: 'none', size }, { engine })
  const fits = await clocked(times, () => inference.infer(problem, freshRun(engine)) as Promise<LaplacePosterior>)
  const x = { x: pictures(predicted)['x']! }
  const predictions = await clocked(times + 1, () => fits.last.predict(x))
  // The first prediction finds eigenvectors of the factors, once a posterior.
  return { fit: fits.least / images, predict: predictions.least / predicted, decompose: predictions.first }
}

/** Milliseconds of an epoch of training, batches of 128. */
async function epoch(engine: Engine, problem: Problem): Promise<number> {
  const run = async (epochs: number): Promise<number> => {
    const map = await componentOf(training, 'inference', 'map', { epochs }, { engine })
    const start = performance.now()
    await map.infer(problem, freshRun(engine))
    return performance.now() - start
  }
  await run(1)
  return (await run(3)) - (await run(2))
}

/** Two moons: training, full Laplace of all weights, and a grid of 10,000 points, seconds in all. */
async function twoMoons(engine: Engine): Promise<number> {
  const dataset = await componentOf(datasets, 'dataset', 'two-moons')
  const problem: Problem = {
    model: await componentOf(networks, 'model', 'mlp', { hidden: [16, 16], activation: 'tanh', init: 'lecun' }),
    dataset,
    objective: crossEntropy(),
    prior: normal({ scale: 1 }),
    examples: dataset.meta.splits['train']!,
  }
  const grid = {
    x: value(
      Float32Array.from({ length: 20_000 }, (_, i) => ((i % 2 ? Math.floor(i / 200) : (i >> 1) % 100) / 100) * 6 - 3),
      [10_000, 2],
    ),
  }
  const start = performance.now()
  const optimizer = await componentOf(training, 'optimizer', 'adam', { learningRate: 0.01 })
  const after = await componentOf(training, 'inference', 'map', { steps: 1000, batchSize: 200, optimizer }, { engine })
  const inference = await componentOf(laplace, 'inference', 'laplace', { after, structure: 'full', subset: 'all', size: 200 }, { engine })
  await (await inference.infer(problem, freshRun(engine))).predict(grid)
  return (performance.now() - start) / 1000
}

/** Fit and prediction against laplace-torch, of which only what is compared is waited for. */
const row: Row = {
  about: `Laplace on random 28 × 28 images, ${images} of them, MLP 784-256-10 and CNN 32-64-128, ${threads} threads, least of three; peer: laplace-torch`,
  async run(): Promise<Result> {
    const engine = createEngine(await onnxruntime({ threads }))
    const mlp = await random(engine, await componentOf(networks, 'model', 'mlp', { hidden: [256] }))
    const cnn = await random(engine, await componentOf(networks, 'model', 'cnn', { channels: [32, 64], hidden: [128] }))
    const kfac = await measured(engine, mlp, 'kfac', 200, 3)
    const diagonal = await measured(engine, mlp, 'diagonal', 200, 3)
    const convolutional = await measured(engine, cnn, 'kfac', 50, 2)
    const epochMs = await epoch(engine, cnn)
    const moons = await twoMoons(engine)
    await engine.dispose()
    const ours = {
      mlpKfacFit: round(kfac.fit),
      mlpKfacPredict: round(kfac.predict),
      mlpKfacFirstPredictionMs: round(kfac.decompose, 0),
      mlpDiagonalFit: round(diagonal.fit),
      cnnKfacFit: round(convolutional.fit),
      cnnKfacPredict: round(convolutional.predict),
      cnnKfacFirstPredictionMs: round(convolutional.decompose, 0),
      cnnKfacFitInEpochs: round((convolutional.fit * images) / epochMs),
      twoMoonsSeconds: round(moons),
    }
    const work = {
      work: 'laplace',
      ms: round(kfac.fit * images),
      unit: `KFAC fit of the MLP on ${images} images; other numbers are seconds per 1000 images`,
    }
    const peer = await laplacePeer(peerImages, ['laplace-mlp-all-diag', 'laplace-mlp-all-kron'], 100)
    if (isReason(peer)) return { ...work, peerMs: null, ratio: null, reason: peer.reason, ...ours }
    const [kron, diag] = [peer['laplace-mlp-all-kron'], peer['laplace-mlp-all-diag']]
    const share = (a: number, b: number | undefined): number | null => (b ? round(a / b, 4) : null)
    return {
      ...work,
      peerMs: kron ? round(kron.fit * images) : null,
      ratio: share(kfac.fit, kron?.fit),
      kfacPredictRatio: share(kfac.predict, kron?.predict),
      diagonalFitRatio: share(diagonal.fit, diag?.fit),
      peerMlpKfacFit: kron?.fit ?? null,
      peerMlpKfacPredict: kron?.predict ?? null,
      peerMlpDiagonalFit: diag?.fit ?? null,
      ...ours,
    }
  },
}

const isReason = (peer: Awaited<ReturnType<typeof laplacePeer>>): peer is { readonly reason: string } => typeof peer['reason'] === 'string'

/** Images the peer fits: its diagonal takes 50 s for 1000. */
const peerImages = 400

export const laplaceRows = { laplace: row } as const
