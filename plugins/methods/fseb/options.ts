import { slot } from 'ockham'
import { z } from 'zod'
import { linear, rbf, type ContextKernel } from './covariance.js'

const positive = z.number().positive()
const defaults = { covScale: 0.01, covDiag: 1, priorVar: 0.1 }

export const fsebOptions = z
  .strictObject({
    context: slot('dataset')
      .optional()
      .describe('inputs at which the function is held to be uncertain; labels are not read; needed unless points is train'),
    contextSize: z
      .int()
      .min(0)
      .default(128)
      .describe('context points drawn a step; 0 leaves the parameter term and, with joint, the batch'),
    points: z
      .enum(['joint', 'context', 'train'])
      .default('joint')
      .describe('where the function is regularised: batch and context, the context alone, or the batch alone'),
    covScale: z.number().min(0).default(defaults.covScale).describe('s, prior variance of the last layer on the frozen features'),
    covDiag: positive.default(defaults.covDiag).describe('β, variance that the features do not explain'),
    priorVar: positive.default(defaults.priorVar).describe('v, prior variance of every parameter'),
    parametrisation: z
      .strictObject({ tauF: positive, beta: positive, tauTheta: positive })
      .optional()
      .describe("the paper's symbols instead: s = 1/τ_f, β/τ_f on the diagonal, v = 1/τ_θ"),
    phi0: z
      .enum(['start', 'fresh'])
      .default('start')
      .describe(
        'weights of the frozen features: where training starts, which are those of initial where there is one, or fresh ones in any case',
      ),
    priorMean: z
      .enum(['zero', 'phi0'])
      .default('zero')
      .describe('what function and weights are held to be near: zero, or the function and weights of φ0, for pre-trained ones'),
    bn: z
      .enum(['joint', 'separate', 'frozen'])
      .default('joint')
      .describe(
        "batch norm's moments: of batch and context together; of each by itself; running ones for the context and for φ0's features",
      ),
    mcSamples: z
      .int()
      .positive()
      .default(1)
      .describe('draws of a context set, and of weights where posteriorStd is given, averaged a step'),
    posteriorStd: z
      .number()
      .min(0)
      .default(0)
      .describe('standard deviation of the weights at which the function term is taken, about those that are learnt'),
    contextKernel: z
      .union([z.enum(['linear', 'rbf']), z.custom<ContextKernel>((v) => typeof v === 'function')])
      .default('linear')
      .describe('covariance of outputs by features: linear in them, rbf, or in code a function from features [n, D] to k [n, n]'),
    lengthscale: positive.default(1).describe('of the kernel rbf, in units of a feature'),
  })
  .refine((o) => !o.parametrisation || (Object.keys(defaults) as (keyof typeof defaults)[]).every((name) => o[name] === defaults[name]), {
    error: 'give covScale, covDiag and priorVar, or parametrisation, not both',
    path: ['parametrisation'],
  })
  .refine(({ context, points }) => context !== undefined || points === 'train', {
    error: 'joint and context points need a context',
    path: ['context'],
  })

type Given = z.output<typeof fsebOptions>

/** s, β and v. */
export type Strengths = typeof defaults

/** The three strengths, from whichever parametrisation was given. */
export const strengths = ({
  parametrisation: paper,
  covScale,
  covDiag,
  priorVar,
}: Pick<Given, 'parametrisation' | keyof Strengths>): Strengths =>
  paper ? { covScale: 1 / paper.tauF, covDiag: paper.beta / paper.tauF, priorVar: 1 / paper.tauTheta } : { covScale, covDiag, priorVar }

/** The kernel that the options name. */
export const kernelOf = ({ contextKernel, lengthscale }: Pick<Given, 'contextKernel' | 'lengthscale'>): ContextKernel =>
  typeof contextKernel === 'function' ? contextKernel : contextKernel === 'rbf' ? rbf(lengthscale) : linear
