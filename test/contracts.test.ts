/* The contract suites over every component that is in the repository; one that no suite was run on fails the last test. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostKey } from 'ockham'
import type { Engine, Inference, Posterior, Problem, Value } from 'ockham'
import { expect, it } from 'vitest'
import fseb from '../plugins/methods/fseb/index.js'
import batchEnsemble from '../plugins/methods/batch-ensemble/index.js'
import hmc from '../plugins/methods/hmc/index.js'
import lmap from '../plugins/methods/lmap/index.js'
import laplace from '../plugins/methods/laplace/index.js'
import sgMcmc from '../plugins/methods/sg-mcmc/index.js'
import variational from '../plugins/methods/variational/index.js'
import sngp from '../plugins/methods/sngp/index.js'
import swag from '../plugins/methods/swag/index.js'
import ensemble from '../plugins/methods/ensemble/index.js'
import mcDropout from '../plugins/methods/mc-dropout/index.js'
import temperature from '../plugins/methods/temperature/index.js'
import meAi from '../plugins/methods/me-ai/index.js'
import bounds from '../plugins/parts/bounds/index.js'
import compression, { isWrapper } from '../plugins/parts/compression/index.js'
import corruptions from '../plugins/parts/corruptions/index.js'
import conformal from '../plugins/parts/conformal/index.js'
import datasets from '../plugins/parts/datasets/index.js'
import evaluation from '../plugins/parts/evaluation/index.js'
import gp, { type Kernel } from '../plugins/parts/gp/index.js'
import gpt from '../plugins/parts/gpt/index.js'
import lora from '../plugins/parts/lora/index.js'
import prefix from '../plugins/parts/prefix/index.js'
import networks from '../plugins/parts/networks/index.js'
import onnx from '../plugins/parts/onnx/index.js'
import { fixture, fixtureMeta } from '../plugins/parts/onnx/testing.js'
import objectives from '../plugins/parts/objectives/index.js'
import priors from '../plugins/parts/priors/index.js'
import prompted from '../plugins/parts/prompted/index.js'
import text from '../plugins/parts/text/index.js'
import training, { fromWeights, pointMass, value } from '../plugins/parts/training/index.js'
import { fileWith } from './faults/command.js'
import { boundSuite, clouds, componentOf, datasetSuite, engines, evaluationSuite, freshRun, inferenceSuite } from './suites/index.js'
import { modelSuite, objectiveSuite, optimizerSuite, priorSuite, processSuite, samplerSuite, smallProblem } from './suites/index.js'

const covered = new Set<string>()
/** Notes that a component has met its suite. */
const of = (name: string): string => {
  covered.add(name)
  return name
}

const key = hostKey(0)
const folder = mkdtempSync(join(tmpdir(), 'ockham-contracts-'))
const file = (name: string, bytes: string | Uint8Array): string => {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}

// Datasets: what is in the package as it is, files in small.
const idx = (dims: readonly number[], bytes: readonly number[]): Uint8Array => {
  const head = Buffer.alloc(4 + 4 * dims.length)
  head.writeUInt32BE(0x0800 + dims.length)
  dims.forEach((d, i) => head.writeUInt32BE(d, 4 + 4 * i))
  return Buffer.concat([head, Uint8Array.from(bytes)])
}
const pixels = Array.from({ length: 6 * 9 }, (_, i) => (i * 37) % 256)
const images = {
  images: file('images', idx([6, 3, 3], pixels)),
  labels: file('labels', idx([6], [0, 1, 2, 0, 1, 2])),
  classes: ['a', 'b', 'c'],
}
const table = Array.from({ length: 20 }, (_, i) => `${Math.sin(i)},${i * i},${i % 3 ? 'yes' : 'no'}`).join('\n')
const cells = (rows: number, seed: number): Record<string, Value> => ({
  x: key.fold(seed).normal([rows, 4]),
  y: key.fold(seed).integers([rows], 3),
})
datasetSuite(of('two-moons'), () => componentOf(datasets, 'dataset', 'two-moons'))
datasetSuite(of('fourier'), () => componentOf(lmap, 'dataset', 'fourier'))
datasetSuite(of('glyphs'), () => componentOf(datasets, 'dataset', 'glyphs', { augment: { shift: 2, rotate: 10 } }))
const words = () => {
  const lines = file('words.txt', Array.from({ length: 40 }, (_, i) => `word ${i * i}`).join('\n'))
  return componentOf(text, 'dataset', 'text', { file: lines, unit: 'lines', layout: 'single', context: 8, licence: 'none' })
}
datasetSuite(of('text'), words)
datasetSuite(of('arrays'), () =>
  componentOf(datasets, 'dataset', 'arrays', { splits: { train: cells(9, 1), test: cells(5, 2) }, scaling: true }),
)
datasetSuite(of('idx-images'), () => componentOf(datasets, 'dataset', 'idx-images', images))
datasetSuite(of('csv'), () => componentOf(datasets, 'dataset', 'csv', { file: file('table.csv', `a,b,label\n${table}\n`), test: 0.3 }))
datasetSuite(of('divided'), async () =>
  componentOf(datasets, 'dataset', 'divided', {
    of: await componentOf(datasets, 'dataset', 'two-moons'),
    split: 'test',
    into: { one: 1, two: 2 },
  }),
)
datasetSuite(of('subset'), async () =>
  componentOf(datasets, 'dataset', 'subset', { of: await componentOf(datasets, 'dataset', 'two-moons'), size: 20 }),
)

const uci = mkdtempSync(join(tmpdir(), 'ockham-uci-'))
const numbers = { data: table.replaceAll(',', ' ').replace(/yes|no/g, '1'), index_features: '0\n1', index_target: '1' }
for (const [name, text] of Object.entries({ ...numbers, index_train_0: '0\n1\n2\n3\n4\n5', index_test_0: '7\n8\n9' }))
  writeFileSync(join(uci, `${name}.txt`), text)
datasetSuite(of('uci-regression'), () => componentOf(datasets, 'dataset', 'uci-regression', { root: uci, validation: 2 }))

const batch = Uint8Array.from({ length: 12 * 3073 }, (_, i) => (i % 3073 === 0 ? (i / 3073) % 10 : (i * 37) % 256))
datasetSuite(of('cifar10'), () => {
  const root = mkdtempSync(join(tmpdir(), 'ockham-cifar-'))
  for (const name of ['data_batch_1.bin', 'test_batch.bin']) writeFileSync(join(root, name), batch)
  return componentOf(datasets, 'dataset', 'cifar10', { root, augment: { crop: 4, flip: true, jitter: 0.2 } })
})
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAACEAAAAAAHTY67AAAAEklEQVR4nGNgYPBTYJzj4KcAAAbdAbq/9ePxAAAAAElFTkSuQmCC', 'base64')
datasetSuite(of('image-folder'), () => {
  const root = mkdtempSync(join(tmpdir(), 'ockham-pictures-'))
  for (const name of ['a', 'b']) {
    mkdirSync(join(root, name))
    for (const i of [1, 2, 3]) writeFileSync(join(root, name, `${i}.png`), png)
  }
  return componentOf(datasets, 'dataset', 'image-folder', { root, test: 2 })
})
datasetSuite(of('label-noise'), async () =>
  componentOf(datasets, 'dataset', 'label-noise', { of: await componentOf(datasets, 'dataset', 'two-moons'), rate: 0.3 }),
)
const pixelated = () => componentOf(datasets, 'dataset', 'idx-images', images)
datasetSuite(of('corrupted'), async () =>
  componentOf(corruptions, 'dataset', 'corrupted', { of: await pixelated(), corruption: 'snow', severity: 3, splits: ['train'] }),
)
datasetSuite(of('white-noise'), () => componentOf(datasets, 'dataset', 'white-noise', { shape: [4, 4, 1], n: 20 }))

datasetSuite(of('shuffled-labels'), async () =>
  componentOf(datasets, 'dataset', 'shuffled-labels', { of: await componentOf(datasets, 'dataset', 'two-moons') }),
)

samplerSuite(of('shuffled'), () => componentOf(training, 'sampler', 'shuffled'))

// Processes: no tensors, no engine.
const kernel = (name: string, options: object = {}): Promise<Kernel> => componentOf(gp, 'kernel', name, options)
const process = async (name = 'rbf', options: object = {}) => componentOf(gp, 'process', 'gp', { kernel: await kernel(name, options) })
processSuite(of('gp'), { make: () => process('factor-analysis') })
processSuite(of('random-features'), { make: () => componentOf(gp, 'process', 'random-features', { features: 20 }) })

const waves = await componentOf(lmap, 'dataset', 'fourier')

// What is traced, on every engine.
for (const [machine, engine] of Object.entries(engines)) {
  const on = (name: string): string => `${of(name)} on ${machine}`

  // Models.
  modelSuite(on('mlp'), {
    engine,
    make: () => componentOf(networks, 'model', 'mlp', { hidden: [5, 4], activation: 'tanh' }),
    meta: clouds(key).meta,
    x: { x: key.normal([6, 2]) },
  })
  modelSuite(on('subspace'), {
    engine,
    make: async () =>
      componentOf(compression, 'model', 'subspace', {
        of: await componentOf(networks, 'model', 'mlp', { hidden: [5, 4], activation: 'tanh' }),
        dim: 12,
        projector: await componentOf(compression, 'projector', 'kronecker'),
      }),
    meta: clouds(key).meta,
    x: { x: key.normal([6, 2]) },
    weights: (model, vars) => (isWrapper(model) ? model.unwrap(vars).params : {}),
  })
  const pictures = {
    meta: { ...clouds(key).meta, shapes: { x: { shape: [8, 8, 3], dtype: 'float32' as const } } },
    x: { x: key.normal([4, 8, 8, 3]) },
  }
  modelSuite(on('cnn'), { engine, make: () => componentOf(networks, 'model', 'cnn', { channels: [4, 5], hidden: [6] }), ...pictures })
  modelSuite(on('resnet'), { engine, make: () => componentOf(networks, 'model', 'resnet', { depth: 20, width: 2 }), ...pictures })

  modelSuite(on('sngp'), {
    engine,
    // So wide a bound that kernels are what they are.
    make: async () =>
      componentOf(sngp, 'model', 'sngp', { of: await componentOf(networks, 'model', 'mlp', { hidden: [5, 4] }), features: 16, bound: 100 }),
    meta: clouds(key).meta,
    x: { x: key.normal([6, 2]) },
  })

  const sentences = {
    meta: { ...clouds(key).meta, classes: ['a', 'b', 'c', 'd'], shapes: { x: { shape: [5], dtype: 'int32' as const } } },
    x: { x: key.integers([3, 5], 4) },
  }
  for (const preset of ['gpt2', 'smollm2-135m'] as const) {
    const sizes = { layers: 2, width: 8, heads: 2, keyValueHeads: 1, feedForward: 12, vocabulary: 4 }
    const decoderOf = (context: number) => componentOf(gpt, 'model', 'gpt', { preset, ...sizes, context })
    const decoder = () => decoderOf(5)
    modelSuite(on('gpt'), { engine, make: decoder, ...sentences })
    const make = async () => componentOf(lora, 'model', 'lora', { of: await decoder(), targets: 'linear', rank: 2 })
    const tuned = async () => componentOf(prefix, 'model', 'prefix', { of: await decoder(), length: 2 })
    const led = async () => componentOf(prompted, 'model', 'prompted', { of: await decoderOf(7), length: 2 })
    modelSuite(on('prompted'), { engine, make: led, ...sentences, weights: (_, vars) => vars.frozen })
    modelSuite(on('prefix'), { engine, make: tuned, ...sentences, weights: (_, vars) => vars.frozen })
    modelSuite(on('lora'), { engine, make, ...sentences, weights: (_, vars) => vars.frozen })
  }
  modelSuite(on('features'), {
    engine,
    make: () => componentOf(lmap, 'model', 'features', { count: 6, transform: 'tanh', start: 'normal' }),
    meta: waves.meta,
    x: { x: key.normal([6, 1]) },
    layered: false,
  })
  modelSuite(on('onnx'), {
    engine,
    make: () => componentOf(onnx, 'model', 'onnx', { file: fixture }),
    meta: fixtureMeta,
    x: { x: key.normal([4, 8, 8, 2]) },
  })

  // Terms.
  priorSuite(on('flat'), { engine, make: () => componentOf(priors, 'prior', 'flat') })
  priorSuite(on('normal'), { engine, make: () => componentOf(priors, 'prior', 'normal', { scale: { head: 0.3, '*': 2 } }) })
  // The default spikes are narrower than any step of float32: parts/priors/densities.test.ts asks them for their slopes.
  const densities = { 'laplace-prior': {}, 'student-t': {}, mixture: { ratio: 0.5 }, horseshoe: {}, 'spike-and-slab': { spike: 0.5 } }
  for (const [name, options] of Object.entries(densities))
    priorSuite(on(name), {
      engine,
      make: () => componentOf(priors, 'prior', name, { ...options, scale: { head: 0.3, '*': 2 } }),
      ...(name === 'horseshoe' && { away: 0.5 }),
    })
  priorSuite(on('l2-sp'), { engine, make: () => componentOf(priors, 'prior', 'l2-sp', { scale: 0.5, fresh: ['head'] }) })
  for (const name of ['function-norm', 'outlier-exposure'])
    priorSuite(on(name), {
      engine,
      make: () => componentOf(priors, 'prior', name, { context: clouds(key.fold('context')), contextSize: 6, scale: 2 }),
    })
  for (const points of ['joint', 'context'])
    priorSuite(`${on('fseb')} at ${points} points`, {
      engine,
      make: () => componentOf(fseb, 'prior', 'fseb', { context: clouds(key.fold('context')), contextSize: 6, points }),
    })
  priorSuite(on('lmap'), {
    engine,
    make: () => componentOf(lmap, 'prior', 'lmap', { epsilon: 1, std: 0.1, points: 'noise', contextSize: 6 }),
  })
  priorSuite(on('fs-map'), {
    engine,
    make: () => componentOf(lmap, 'prior', 'fs-map', { context: clouds(key.fold('context')), contextSize: 4, points: 'context' }),
  })
  for (const space of ['weights', 'functions', 'reciprocals']) {
    const model = await componentOf(lmap, 'model', 'features', { count: 6, transform: 'tanh' })
    priorSuite(`${on('coordinates')} over ${space}`, {
      engine,
      make: () => componentOf(lmap, 'prior', 'coordinates', { of: space, scale: 2 }, { model }),
      problem: smallProblem(key, { dataset: waves, model, objective: await componentOf(objectives, 'objective', 'gaussian') }),
      away: 0.5,
    })
  }
  objectiveSuite(on('cross-entropy'), {
    engine,
    make: () => componentOf(objectives, 'objective', 'cross-entropy'),
    y: key.fold('logits').normal([5, 2]),
    labels: value([0, 1, 1, 0, 1], [5], 'int32'),
  })
  objectiveSuite(on('gaussian'), {
    engine,
    make: () => componentOf(objectives, 'objective', 'gaussian'),
    y: key.fold('means').normal([5, 2]),
    labels: key.fold('targets').normal([5, 2]),
    problem: smallProblem(key, { dataset: regression() }),
  })
  objectiveSuite(on('next-token'), {
    engine,
    make: () => componentOf(text, 'objective', 'next-token'),
    y: key.fold('tokens').normal([2, 3, 4]),
    labels: value([0, 3, -1, 2, 1, 1], [2, 3], 'int32'),
    problem: smallProblem(key, { dataset: await words() }),
  })

  objectiveSuite(on('dirichlet'), {
    engine,
    make: () => componentOf(gp, 'objective', 'dirichlet'),
    y: key.fold('latent').normal([5, 2]),
    labels: value([0, 1, 1, 0, 1], [5], 'int32'),
  })

  // Learning.
  optimizerSuite(on('sgd'), { engine, make: () => componentOf(training, 'optimizer', 'sgd', { learningRate: 0.1 }) })
  optimizerSuite(on('adam'), { engine, make: () => componentOf(training, 'optimizer', 'adam', { learningRate: 0.05 }) })
  optimizerSuite(on('adamw'), { engine, make: () => componentOf(training, 'optimizer', 'adamw', { learningRate: 0.05 }) })
  inferenceSuite(on('map'), {
    engine,
    make: (engine) => componentOf(training, 'inference', 'map', { steps: 30, batchSize: 12 }, { engine }),
  })
  const shortMap = (engine: Engine) => componentOf(training, 'inference', 'map', { steps: 30, batchSize: 12 }, { engine })
  inferenceSuite(on('mc-dropout'), {
    engine,
    make: (engine) => componentOf(mcDropout, 'inference', 'mc-dropout', { steps: 30, batchSize: 12, samples: 4 }, { engine }),
  })
  inferenceSuite(on('batch-ensemble'), {
    engine,
    make: (engine) => componentOf(batchEnsemble, 'inference', 'batch-ensemble', { steps: 60, batchSize: 12, members: 2 }, { engine }),
  })
  inferenceSuite(on('ensemble'), {
    engine,
    make: async (engine) => componentOf(ensemble, 'inference', 'ensemble', { of: await shortMap(engine), members: 2 }, { engine }),
  })
  inferenceSuite(on('temperature'), {
    engine,
    make: async (engine) => componentOf(temperature, 'inference', 'temperature', { after: await shortMap(engine) }, { engine }),
  })
  inferenceSuite(on('quantised'), { engine, make: quantised })
  inferenceSuite(on('swag'), {
    engine,
    make: (engine) => componentOf(swag, 'inference', 'swag', { epochs: 12, start: 8, batchSize: 12, draws: 3, rank: 3 }, { engine }),
  })
  optimizerSuite(on('ivon-step'), {
    engine,
    make: () => componentOf(variational, 'optimizer', 'ivon-step', { learningRate: 0.1, beta2: 0.999 }),
  })
  for (const [name, options] of Object.entries({
    variational: { batchSize: 12, draws: 3 },
    ivon: { batchSize: 12, draws: 3, beta2: 0.99 },
  }))
    inferenceSuite(on(name), {
      engine,
      make: (engine) => componentOf(variational, 'inference', name, { ...options, epochs: 30 }, { engine }),
    })
  inferenceSuite(on('pac-bayes'), {
    engine,
    make: (engine) => componentOf(variational, 'inference', 'pac-bayes', { epochs: 4, batchSize: 12, draws: 3 }, { engine }),
  })
  const noisy = { learningRate: 0.02, temperature: 0.01 }
  for (const name of ['sgld', 'psgld', 'sghmc', 'baoa', 'sgnht'])
    optimizerSuite(on(name), { engine, make: () => componentOf(sgMcmc, 'optimizer', name, noisy), left: 0.2 })
  inferenceSuite(on('sg-mcmc'), {
    engine,
    make: async (engine) =>
      componentOf(
        sgMcmc,
        'inference',
        'sg-mcmc',
        { optimizer: await componentOf(sgMcmc, 'optimizer', 'sghmc', noisy), epochs: 12, batchSize: 12, draws: 3 },
        { engine },
      ),
  })
  for (const [name, options] of Object.entries({ hmc: { leapfrogSteps: 5 }, nuts: { maxDepth: 4 } }))
    inferenceSuite(on(name), {
      engine,
      make: (engine) => componentOf(hmc, 'inference', name, { ...options, warmup: 20, draws: 8, chains: 2 }, { engine }),
    })
  for (const [name, options] of Object.entries({
    'type-two': { steps: 20 },
    sgpr: { steps: 20, inducing: 10 },
    svgp: { steps: 20, inducing: 10, batchSize: 8 },
  }))
    inferenceSuite(on(name), { engine, make: () => componentOf(gp, 'inference', name, options), problem: functions })
  inferenceSuite(on('cross-fitted'), {
    engine,
    make: async () =>
      componentOf(meAi, 'inference', 'cross-fitted', {
        folds: 2,
        seeds: 1,
        of: await componentOf(gp, 'inference', 'type-two', { steps: 5 }),
      }),
    problem: functions,
  })
  inferenceSuite(on('laplace'), {
    engine,
    make: async (engine) =>
      componentOf(
        laplace,
        'inference',
        'laplace',
        { subset: 'all', after: await componentOf(training, 'inference', 'map', { steps: 30, batchSize: 12 }, { engine }) },
        { engine },
      ),
  })
  inferenceSuite(on('fseb-tuned'), {
    engine,
    make: (engine) => strengthsTried(engine),
    problem: async () => smallProblem(key, { prior: await contextPrior() }),
  })
  inferenceSuite(on('given'), {
    engine,
    make: (engine) => componentOf(training, 'inference', 'given', {}, { engine }),
    problem: async (engine) => smallProblem(key, { initial: await started(smallProblem(key), engine) }),
  })
}

/** Weights of five levels, and the message that says them. */
async function quantised(engine: Engine): Promise<Inference> {
  const after = await componentOf(training, 'inference', 'map', { steps: 30, batchSize: 12 }, { engine })
  return componentOf(compression, 'inference', 'quantised', { after, levels: 5, epochs: 2 }, { engine })
}

async function functions(): Promise<Problem> {
  return smallProblem(key, { model: await process(), objective: await componentOf(gp, 'objective', 'dirichlet') })
}

async function smallMetric(): Promise<Problem> {
  const objective = await componentOf(gp, 'objective', 'dirichlet')
  return smallProblem(key, { model: await process('factor-analysis'), objective })
}

function regression(): Problem['dataset'] {
  const { meta, read } = clouds(key)
  const { classes, ...rest } = meta
  expect(classes).toBeDefined()
  return { meta: { ...rest, task: 'regression', shapes: { ...meta.shapes, y: { shape: [2], dtype: 'float32' } } }, read }
}

/** The prior fseb on the small problem's clouds. */
function contextPrior(): Promise<Problem['prior']> {
  return componentOf(fseb, 'prior', 'fseb', { context: clouds(key.fold('context')), contextSize: 6 })
}

async function strengthsTried(engine: Engine) {
  const of = await componentOf(training, 'inference', 'map', { steps: 10, batchSize: 12 }, { engine })
  return componentOf(fseb, 'inference', 'fseb-tuned', { of, covDiag: [1, 10], covScale: [0.01], priorVar: [0.1] }, { engine })
}

/** The small problem's model as it starts. */
async function started(problem: Problem, engine: Engine): Promise<Posterior> {
  if (!('apply' in problem.model)) throw new Error('the small problem has a parametric model')
  return fromWeights(problem, engine, pointMass(await problem.model.init(key.fold('start'), problem.dataset.meta)))
}

// What is asked of a posterior.
const against = clouds(key.fold('elsewhere'))
for (const [name, options] of Object.entries({
  calibration: { before: true },
  ood: { against },
  selective: {},
  scaling: { method: 'matrix' },
  picture: { side: 12 },
}))
  evaluationSuite(of(name), {
    make: ({ dataset }) => componentOf(evaluation, 'evaluation', name, options, { dataset }),
    posterior: started,
  })
for (const score of ['energy', 'max-logit', 'mahalanobis'])
  evaluationSuite(`ood by ${score}`, {
    make: ({ dataset }) => componentOf(evaluation, 'evaluation', 'ood', { against, score }, { dataset }),
    posterior: started,
  })
evaluationSuite(of('conformal'), {
  make: ({ dataset }) => componentOf(conformal, 'evaluation', 'conformal', {}, { dataset }),
  posterior: started,
})
evaluationSuite(of('jackknife-plus'), {
  make: async ({ dataset }) => {
    const engine = await engines['interpreter']!()
    const learner = await componentOf(training, 'inference', 'map', { steps: 5, batchSize: 12 }, { engine })
    return componentOf(conformal, 'evaluation', 'jackknife-plus', { of: learner, folds: 3 }, { dataset })
  },
  problem: smallProblem(key, {
    dataset: await componentOf(datasets, 'dataset', 'uci-regression', { root: uci }),
    objective: await componentOf(objectives, 'objective', 'gaussian'),
  }),
  posterior: started,
})
evaluationSuite(of('flatness'), {
  make: () => componentOf(lmap, 'evaluation', 'flatness', { probes: 2, iterations: 4, directions: 1, steps: 3 }),
  posterior: started,
})
const decoder = await componentOf(gpt, 'model', 'gpt', { layers: 1, width: 8, heads: 2, context: 8 })
evaluationSuite(of('perplexity'), {
  make: ({ dataset }) => componentOf(text, 'evaluation', 'perplexity', {}, { dataset }),
  problem: smallProblem(key, { dataset: await words(), model: decoder, objective: await componentOf(text, 'objective', 'next-token') }),
  posterior: started,
})
const noisy = await componentOf(datasets, 'dataset', 'idx-images', { ...images, split: 'test' })
evaluationSuite(of('corruption'), {
  make: ({ dataset }) =>
    componentOf(corruptions, 'evaluation', 'corruption', { corruptions: ['fog', 'jpeg'], severities: [2, 4] }, { dataset }),
  problem: smallProblem(key, { dataset: noisy }),
  posterior: started,
})
evaluationSuite(of('fseb-sensitivity'), {
  make: () => componentOf(fseb, 'evaluation', 'fseb-sensitivity'),
  problem: smallProblem(key, { prior: await contextPrior() }),
  posterior: async (problem, engine) => (await strengthsTried(engine)).infer(problem, freshRun(engine)),
})
const metric = await smallMetric()
const shuffled = { of: await componentOf(gp, 'inference', 'type-two', { steps: 5 }), permutations: 2 }
const pairs = {
  elements: fileWith('element,x0,x1\nP,1,1\nQ,-1,-1\n', 'elements.csv'),
  compounds: fileWith('A,B,label\nP,P,TI\nP,Q,trivial\n', 'compounds.csv'),
}
const readings = { descriptors: {}, transfer: { to: against }, permutation: shuffled, 'element-products': pairs }
for (const [name, options] of Object.entries(readings))
  evaluationSuite(of(name), {
    make: () => componentOf(meAi, 'evaluation', name, options),
    problem: metric,
    posterior: async (problem, engine) => (await componentOf(gp, 'inference', 'type-two', { steps: 5 })).infer(problem, freshRun(engine)),
  })
boundSuite(of('compression'), {
  make: ({ dataset }) => componentOf(bounds, 'bound', 'compression', {}, { dataset }),
  posterior: async (problem, engine) => (await quantised(engine)).infer(problem, freshRun(engine)),
})
boundSuite(of('text-compression'), {
  make: ({ dataset }) => componentOf(text, 'bound', 'text-compression', { unit: 'sequence' }, { dataset }),
  problem: smallProblem(key, { dataset: await words(), model: decoder, objective: await componentOf(text, 'objective', 'next-token') }),
  posterior: async (problem, engine) => (await quantised(engine)).infer(problem, freshRun(engine)),
})
boundSuite(of('pac-bayes-kl'), {
  make: ({ dataset }) => componentOf(variational, 'bound', 'pac-bayes-kl', {}, { dataset }),
  posterior: async (problem, engine) =>
    (await componentOf(variational, 'inference', 'pac-bayes', { epochs: 2 }, { engine })).infer(problem, freshRun(engine)),
})
for (const name of ['clopper-pearson', 'kl-inverse', 'hoeffding', 'empirical-bernstein'])
  boundSuite(of(name), { make: ({ dataset }) => componentOf(bounds, 'bound', name, {}, { dataset }), posterior: started })

it('every component in the registry has met its suite', () => {
  const registry = JSON.parse(readFileSync(join(import.meta.dirname, '../registry.json'), 'utf8')) as {
    plugins: Record<string, Record<string, string[]>>
  }
  const known = ['dataset', 'model', 'process', 'prior', 'objective', 'sampler', 'optimizer', 'inference', 'evaluation', 'bound']
  const names = Object.values(registry.plugins).flatMap((kinds) => known.flatMap((kind) => kinds[kind] ?? []))
  expect(names.filter((name) => !covered.has(name))).toEqual([])
})
