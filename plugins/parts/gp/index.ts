import { component, definePlugin, slot } from 'ockham'
import { z } from 'zod'
import { dirichlet, dirichletOptions } from './dirichlet.js'
import { product, sum } from './kernels/combined.js'
import { above, positive } from './kernels/constraint.js'
import { linear } from './kernels/linear.js'
import { factors, scaled } from './kernels/metric.js'
import { periodic } from './kernels/periodic.js'
import { exponential, matern, rationalQuadratic } from './kernels/profile.js'
import { stationary } from './kernels/stationary.js'
import { gp } from './process.js'
import { randomFeatures } from './random-features.js'
import { sgpr, sgprOptions } from './sgpr.js'
import { svgp, svgpOptions } from './svgp.js'
import { typeTwo, typeTwoOptions } from './type-two.js'

export { condition, type Conditioned, type Latent } from './condition.js'
export { dirichlet, dirichletOptions, logNormal, type Observed, type TargetObjective } from './dirichlet.js'
export { evidence, type Evidence } from './evidence.js'
export { type Kernel } from './kernels/kernel.js'
export { fittedOf, posteriorOf, type Fitted, type ProcessPosterior } from './posterior.js'
export { averagedSigmoid, drawnClasses, twoClasses } from './probabilities.js'
export { gp, type GpProcess } from './process.js'
export { randomFeatures } from './random-features.js'
export { fitRange, scaledRows, type Range } from './scaling.js'
export { lossOf, typeTwo, typeTwoOptions } from './type-two.js'
export { factors, scaled } from './kernels/metric.js'
export { stationary } from './kernels/stationary.js'

const number = (start: number, about: string) => z.number().positive().default(start).describe(about)
const variance = number(1, 'variance s at its start')
const lengthScale = number(1, 'length-scale at its start, in units of the scaled features')
const ard = z.boolean().default(false).describe('one length-scale, or weight, a feature')

const rbfOptions = z.strictObject({ variance, lengthScale, ard })
const maternOptions = z.strictObject({ smoothness: z.enum(['1/2', '3/2', '5/2']).default('5/2'), variance, lengthScale, ard })
const rationalOptions = z.strictObject({ variance, lengthScale, ard, alpha: number(1, 'α at its start; large is squared exponential') })
const periodicOptions = z.strictObject({ variance, lengthScale, ard, period: number(1, 'period at its start') })
const linearOptions = z.strictObject({ variance, offset: number(1, 'variance of the constant, at its start'), ard })
const factorOptions = z.strictObject({
  rank: z.int().positive().default(2).describe('q, directions of the low-rank part'),
  variance: number(Math.LN2, 'variance s at its start'),
  lengthScale: number(1, 'all length-scales at their start; the paper starts at 50.005'),
  bounds: z
    .tuple([z.number().min(0), z.number().positive()])
    .default([0.01, 100])
    .refine(([low, high]) => low < high, 'the lower bound comes first')
    .describe('between which length-scales stay'),
})
const partsOptions = z.strictObject({ of: z.array(slot('kernel')).min(2).describe('the kernels') })
const gpOptions = z.strictObject({
  kernel: slot('kernel'),
  mean: z.enum(['constant', 'zero']).default('constant').describe('a learnt number an output, or none'),
})
const featuresOptions = z.strictObject({ features: z.int().positive().default(200).describe('m, how many'), lengthScale, variance })

declare module 'ockham' {
  interface Catalog {
    gp: { kind: 'process'; options: z.input<typeof gpOptions> }
    'random-features': { kind: 'process'; options: z.input<typeof featuresOptions> }
    dirichlet: { kind: 'objective'; options: z.input<typeof dirichletOptions> }
    'type-two': { kind: 'inference'; options: z.input<typeof typeTwoOptions> }
    sgpr: { kind: 'inference'; options: z.input<typeof sgprOptions> }
    svgp: { kind: 'inference'; options: z.input<typeof svgpOptions> }
    rbf: { kind: 'kernel'; options: z.input<typeof rbfOptions> }
    matern: { kind: 'kernel'; options: z.input<typeof maternOptions> }
    'rational-quadratic': { kind: 'kernel'; options: z.input<typeof rationalOptions> }
    periodic: { kind: 'kernel'; options: z.input<typeof periodicOptions> }
    linear: { kind: 'kernel'; options: z.input<typeof linearOptions> }
    'factor-analysis': { kind: 'kernel'; options: z.input<typeof factorOptions> }
    sum: { kind: 'kernel'; options: z.input<typeof partsOptions> }
    product: { kind: 'kernel'; options: z.input<typeof partsOptions> }
  }
}

const constraint = positive

export default definePlugin({
  name: 'gp',
  provides: [
    component({
      kind: 'process',
      name: 'gp',
      about: 'Gaussian process with a constant mean and a kernel',
      options: gpOptions,
      create: ({ kernel, mean }) => gp({ kernel, mean }),
    }),
    component({
      kind: 'process',
      name: 'random-features',
      about: 'Bayesian linear model on random Fourier features, a Gaussian process of finite rank',
      options: featuresOptions,
      create: randomFeatures,
    }),
    component({
      kind: 'objective',
      name: 'dirichlet',
      about: 'Class labels as Gaussian targets of known noise, Milios et al. 2018',
      options: dirichletOptions,
      requires: { dataset: ['classification'] },
      offers: ['categorical'],
      create: dirichlet,
    }),
    component({
      kind: 'inference',
      name: 'type-two',
      about: 'Maximises the marginal likelihood of a process, then conditions exactly',
      options: typeTwoOptions,
      create: typeTwo,
    }),
    component({
      kind: 'inference',
      name: 'sgpr',
      about: "The same beyond memory: Titsias' bound on inducing points",
      options: sgprOptions,
      create: sgpr,
    }),
    component({
      kind: 'inference',
      name: 'svgp',
      about: 'Stochastic variational inference on inducing points, a batch a step, Hensman et al. 2013',
      options: svgpOptions,
      create: svgp,
    }),
    component({
      kind: 'kernel',
      name: 'rbf',
      about: 'Squared exponential',
      options: rbfOptions,
      create: (o) => stationary({ profile: exponential, metric: scaled(o), variance: o.variance, constraint }),
    }),
    component({
      kind: 'kernel',
      name: 'matern',
      about: 'Matérn of smoothness 1/2, 3/2 or 5/2',
      options: maternOptions,
      create: (o) => stationary({ profile: matern[o.smoothness], metric: scaled(o), variance: o.variance, constraint }),
    }),
    component({
      kind: 'kernel',
      name: 'rational-quadratic',
      about: 'Mixture of squared exponentials over length-scales',
      options: rationalOptions,
      create: (o) => stationary({ profile: rationalQuadratic, metric: scaled(o), variance: o.variance, constraint, alpha: o.alpha }),
    }),
    component({ kind: 'kernel', name: 'periodic', about: 'Functions that repeat', options: periodicOptions, create: periodic }),
    component({ kind: 'kernel', name: 'linear', about: 'Linear functions', options: linearOptions, create: linear }),
    component({
      kind: 'kernel',
      name: 'factor-analysis',
      about: 'Squared exponential in a learnt metric, low rank plus diagonal',
      options: factorOptions,
      create: (o) => stationary({ profile: exponential, metric: factors(o), variance: o.variance, constraint: above(0) }),
    }),
    component({ kind: 'kernel', name: 'sum', about: 'Sum of kernels', options: partsOptions, create: ({ of }) => sum(of) }),
    component({ kind: 'kernel', name: 'product', about: 'Product of kernels', options: partsOptions, create: ({ of }) => product(of) }),
  ],
})
