import { slot, type Inference } from 'ockham'
import { z } from 'zod'
import { links } from '../../parts/bayes/index.js'
import { grains } from './coordinates.js'
import { curvatures } from './cotangents.js'
import { structures } from './structure.js'

const whole = z.int().positive()
const positive = z.number().positive()

const subset = z
  .union([
    z.enum(['last-layer', 'all']),
    z.strictObject({ layers: z.array(z.string()).min(1).describe('names of layers, or what their names begin with before a dot') }),
    z.strictObject({
      parameters: whole.describe('how many parameters'),
      by: z
        .enum(['random', 'magnitude', 'variance'])
        .default('variance')
        .describe('drawn, or those with the largest weight or marginal variance'),
    }),
  ])
  .default('last-layer')
  .describe('which weights are uncertain; the others keep their trained values')

const laplaceShape = z.strictObject({
  after: slot('inference')
    .optional()
    .describe('what trains the network first: given takes the initial run as it is; map with its defaults unless given'),
  structure: z.enum(structures).default('kfac').describe('how the curvature is kept; functional is the Gaussian process of the Jacobians'),
  subset,
  curvature: z
    .enum(curvatures)
    .default('ggn')
    .describe('generalised Gauss–Newton, exactly; fisher by labels drawn from the model; the empirical Fisher matrix, which is biased'),
  samples: whole.default(1).describe('labels drawn an example by fisher'),
  size: whole.default(128).describe('examples a batch of the pass over the data'),
  bias: z.enum(['joint', 'separate']).default('joint').describe('kfac: the bias as the weight of a constant input, or a factor of its own'),
  places: z.enum(['expand', 'reduce']).default('expand').describe('kfac of layers at several places: each as data, or averaged first'),
  directions: whole
    .default(400)
    .describe('kfac: directions kept of a factor more than three times as large; the rest share their mean curvature'),
  rank: whole.default(20).describe('low-rank: directions kept, each a pass over the data'),
  points: whole.default(1000).describe('functional: data points that are kept; all where there are fewer'),
  priorPrecision: positive.optional().describe("precision of every weight, instead of the prior's own; 1 where the prior is not Gaussian"),
  weightDecay: positive.optional().describe('decay of the mean loss with which the network was trained elsewhere: precision N times this'),
  likelihoodTemperature: positive.default(1).describe("what the likelihood's curvature is divided by"),
  tune: z
    .enum(['evidence', 'validation', 'online', 'none'])
    .default('evidence')
    .describe("factors on the prior's precision: by the evidence, by validation likelihood, by the evidence during training, or none"),
  precision: z.enum(grains).default('global').describe('one factor, one a layer, or one a parameter'),
  noise: z.boolean().default(true).describe('tune the noise of a regression too, where the evidence is used'),
  grid: z
    .strictObject({
      from: positive.default(1e-4).describe('smallest factor'),
      to: positive.default(1e4).describe('largest factor'),
      count: z.int().min(2).default(21).describe('factors in all, evenly by their logarithm'),
    })
    .default({ from: 1e-4, to: 1e4, count: 21 })
    .describe('factors that validation tries'),
  online: z
    .strictObject({
      rounds: whole.default(10).describe('trainings by `after`, each from the weights of the one before'),
      burnIn: z.int().min(0).default(0).describe('rounds before the first tuning'),
      steps: whole.default(10).describe('steps of Adam on the evidence a round'),
      rate: positive.default(0.1).describe('their size'),
    })
    .default({ rounds: 10, burnIn: 0, steps: 10, rate: 0.1 })
    .describe('training with evidence; the weights of the round with the largest evidence are kept'),
  predictive: z
    .enum(['glm', 'weights'])
    .default('glm')
    .describe('the network linearised at the trained weights, or averaged over drawn weights'),
  link: z
    .enum(links)
    .default('probit')
    .describe(
      'from normal outputs to classes; probit takes a common shift of all outputs for doubt, pairwise does not; bridge does not return to softmax as the variance vanishes',
    ),
  draws: whole.default(100).describe('draws of monte-carlo and of weights'),
  memory: positive.default(4).describe('gibibytes that a structure may take; more is refused before anything is allocated'),
})

export const laplaceOptions = laplaceShape.check(({ value, issues }) => {
  const refuse = (path: string, message: string): void => void issues.push({ code: 'custom', message, path: [path], input: value })
  const some = typeof value.subset === 'object' && 'parameters' in value.subset
  if (some && value.structure === 'kfac') refuse('subset', 'kfac keeps whole layers: choose layers, or structure full or diagonal')
  if (value.precision === 'parameter' && value.structure !== 'diagonal' && value.structure !== 'full')
    refuse('precision', `one factor a parameter needs structure diagonal or full, not ${value.structure}`)
  if (value.curvature !== 'ggn' && (value.structure === 'low-rank' || value.structure === 'functional'))
    refuse('curvature', `${value.structure} takes the generalised Gauss–Newton matrix alone`)
  if (value.priorPrecision !== undefined && value.weightDecay !== undefined)
    refuse('weightDecay', 'priorPrecision and weightDecay are two ways to say one thing: give one')
})

export type LaplaceOptions = Omit<z.output<typeof laplaceShape>, 'after'> & { readonly after?: Inference | undefined }
