/* The ladder of conformance on every posterior that is in the repository. */
import { hostKey, type Engine } from 'ockham'
import fseb from '../plugins/methods/fseb/index.js'
import batchEnsemble from '../plugins/methods/batch-ensemble/index.js'
import ensemble from '../plugins/methods/ensemble/index.js'
import laplace from '../plugins/methods/laplace/index.js'
import mcDropout from '../plugins/methods/mc-dropout/index.js'
import sngp from '../plugins/methods/sngp/index.js'
import swag from '../plugins/methods/swag/index.js'
import temperature from '../plugins/methods/temperature/index.js'
import gp from '../plugins/parts/gp/index.js'
import networks from '../plugins/parts/networks/index.js'
import training from '../plugins/parts/training/index.js'
import { value } from '../plugins/parts/training/index.js'
import { componentOf, engines, inMemory, posteriorSuite, smallProblem } from './suites/index.js'

const given = (engine: Engine) => componentOf(training, 'inference', 'given', {}, { engine })

for (const [machine, engine] of Object.entries(engines)) {
  const around = (options: object) => async (on: Engine) =>
    componentOf(
      laplace,
      'inference',
      'laplace',
      { subset: 'all', tune: 'none', size: 3, ...options, after: await given(on) },
      { engine: on },
    )
  for (const structure of ['full', 'kfac', 'low-rank', 'functional'] as const)
    posteriorSuite(`laplace, ${structure}, on ${machine}`, { engine, make: around({ structure }), moments: 'exact' })
  posteriorSuite(`laplace, diagonal, on ${machine}`, { engine, make: around({ structure: 'diagonal' }), moments: 'diagonal' })
  posteriorSuite(`laplace, tuned, on ${machine}`, { engine, make: around({ tune: 'evidence' }) })
  posteriorSuite(`laplace, by weights, on ${machine}`, {
    engine,
    make: around({ structure: 'full', predictive: 'weights' }),
    moments: 'exact',
    predict: { samples: 1500 },
    tolerance: 0.15,
  })

  const map = async (on: Engine) => {
    const optimizer = await componentOf(training, 'optimizer', 'sgd', { learningRate: 0.02, momentum: 0 })
    return componentOf(training, 'inference', 'map', { steps: 40, batchSize: 64, optimizer }, { engine: on })
  }
  posteriorSuite(`map, on ${machine}`, { engine, make: map, moments: 'point' })
  posteriorSuite(`fseb, on ${machine}`, {
    engine,
    make: map,
    changes: async () => {
      const x = hostKey(3).normal([12, 1])
      const context = inMemory({ train: { x, y: value(new Float32Array(12), [12, 1]) } })
      return { prior: await componentOf(fseb, 'prior', 'fseb', { context, contextSize: 6 }) }
    },
  })

  posteriorSuite(`ensemble, on ${machine}`, {
    engine,
    make: async (on) => componentOf(ensemble, 'inference', 'ensemble', { members: 2, of: await map(on) }, { engine: on }),
    moments: 'point',
  })
  posteriorSuite(`batch-ensemble, on ${machine}`, {
    engine,
    make: (on) => componentOf(batchEnsemble, 'inference', 'batch-ensemble', { steps: 40, batchSize: 4, members: 2 }, { engine: on }),
  })
  posteriorSuite(`swag, on ${machine}`, {
    engine,
    make: (on) => componentOf(swag, 'inference', 'swag', { epochs: 12, start: 4, batchSize: 2, draws: 4, rank: 3 }, { engine: on }),
  })
  posteriorSuite(`mc-dropout, on ${machine}`, {
    engine,
    make: (on) => componentOf(mcDropout, 'inference', 'mc-dropout', { inputs: true, steps: 30, batchSize: 4, samples: 5 }, { engine: on }),
  })
  posteriorSuite(`temperature, on ${machine}`, {
    engine,
    make: async (on) => componentOf(temperature, 'inference', 'temperature', { after: await map(on) }, { engine: on }),
    problem: () => smallProblem(hostKey(0)),
  })
  posteriorSuite(`sngp with laplace, on ${machine}`, {
    engine,
    make: async (on) =>
      componentOf(laplace, 'inference', 'laplace', { structure: 'full', link: 'pairwise', after: await map(on) }, { engine: on }),
    problem: async () => {
      const of = await componentOf(networks, 'model', 'mlp', { hidden: [4] })
      return smallProblem(hostKey(0), { model: await componentOf(sngp, 'model', 'sngp', { of, features: 16 }) })
    },
  })
  posteriorSuite(`laplace of classes, by draws, on ${machine}`, {
    engine,
    make: async (on) =>
      componentOf(laplace, 'inference', 'laplace', { subset: 'all', link: 'monte-carlo', after: await map(on) }, { engine: on }),
    problem: () => smallProblem(hostKey(0)),
  })
  posteriorSuite(`gp, on ${machine}`, {
    engine,
    make: () => componentOf(gp, 'inference', 'type-two', { steps: 30 }),
    changes: async () => ({ model: await componentOf(gp, 'process', 'gp', { kernel: await componentOf(gp, 'kernel', 'rbf') }) }),
    predict: { samples: 20 },
  })
}
