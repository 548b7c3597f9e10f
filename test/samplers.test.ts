/* The ladder of conformance on posteriors that are found by many short steps, on one engine: each of them is learnt five times. */
import hmc from '../plugins/methods/hmc/index.js'
import sgMcmc from '../plugins/methods/sg-mcmc/index.js'
import variational from '../plugins/methods/variational/index.js'
import { flat } from '../plugins/parts/priors/index.js'
import training from '../plugins/parts/training/index.js'
import { componentOf, engines, posteriorSuite } from './suites/index.js'
import { priorPrecision } from './suites/line.js'

const fast = engines['onnxruntime']!
const dynamics = { learningRate: 0.02, temperature: 1, momentumDecay: 0.2 }
for (const [name, options] of Object.entries({ hmc: { leapfrogSteps: 8 }, nuts: {} }))
  posteriorSuite(name, {
    engine: fast,
    make: (on) => componentOf(hmc, 'inference', name, { ...options, warmup: 100, draws: 600 }, { engine: on }),
    moments: 'exact',
    tolerance: 0.2,
  })
posteriorSuite('sg-mcmc', {
  engine: fast,
  make: async (on) =>
    componentOf(
      sgMcmc,
      'inference',
      'sg-mcmc',
      { optimizer: await componentOf(sgMcmc, 'optimizer', 'baoa', dynamics), epochs: 5000, batchSize: 8, draws: 400, burnIn: 0.1 },
      { engine: on },
    ),
  moments: 'exact',
  tolerance: 0.3,
})
posteriorSuite('variational', {
  engine: fast,
  make: async (on) =>
    componentOf(
      variational,
      'inference',
      'variational',
      {
        estimator: 'local',
        epochs: 2000,
        batchSize: 8,
        deviation: 0.1,
        optimizer: await componentOf(training, 'optimizer', 'adam', { learningRate: 0.01 }),
      },
      { engine: on },
    ),
  moments: 'diagonal',
  predict: { samples: 1500 },
  tolerance: 0.3,
})
posteriorSuite('ivon', {
  engine: fast,
  make: (on) =>
    componentOf(
      variational,
      'inference',
      'ivon',
      { epochs: 3000, batchSize: 8, learningRate: 0.05, beta2: 0.999, curvature: 10, priorPrecision },
      { engine: on },
    ),
  moments: 'diagonal',
  changes: () => ({ prior: flat() }),
  predict: { samples: 1500 },
  tolerance: 0.3,
})
