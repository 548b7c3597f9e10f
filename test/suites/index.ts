/**
 * Contract suites: what every component of a kind must hold, as functions that declare vitest tests.
 * A plugin's own test calls the suite of its kind; `test/contracts.test.ts` calls them for all that is in this repository.
 */
export { datasetSuite } from './dataset.js'
export { modelSuite, type ModelCase } from './model.js'
export { priorSuite, type PriorCase } from './prior.js'
export { objectiveSuite, type ObjectiveCase } from './objective.js'
export { processSuite, type ProcessCase } from './process.js'
export { samplerSuite } from './sampler.js'
export { optimizerSuite, type OptimizerCase } from './optimizer.js'
export { inferenceSuite, type InferenceCase } from './inference.js'
export { posteriorSuite, type Moments, type PosteriorCase } from './posterior.js'
export { evaluationSuite, type EvaluationCase } from './evaluation.js'
export { boundSuite, type BoundCase } from './bound.js'
export { clouds, componentOf, engines, freshRun, inMemory, interpreter, smallProblem, testRun, type StartEngine } from './setting.js'
