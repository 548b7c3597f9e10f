import { slot } from 'ockham'
import { z } from 'zod'

const positive = z.number().positive()
const defaults = { covScale: 0.01, covDiag: 1, priorVar: 0.1 }

export const fsebOptions = z
  .strictObject({
    context: slot('dataset').describe('inputs at which the function is held to be uncertain; labels are not read'),
    contextSize: z
      .int()
      .min(0)
      .default(128)
      .describe('context points drawn a step; 0 leaves the parameter term and, with joint, the batch'),
    points: z
      .enum(['joint', 'context'])
      .default('joint')
      .describe('where the function is regularised: batch and context, or context alone'),
    covScale: z.number().min(0).default(defaults.covScale).describe('s, prior variance of the last layer on the frozen features'),
    covDiag: positive.default(defaults.covDiag).describe('β, variance that the features do not explain'),
    priorVar: positive.default(defaults.priorVar).describe('v, prior variance of every parameter'),
    parametrisation: z
      .strictObject({ tauF: positive, beta: positive, tauTheta: positive })
      .optional()
      .describe("the paper's symbols instead: s = 1/τ_f, β/τ_f on the diagonal, v = 1/τ_θ"),
  })
  .refine((o) => !o.parametrisation || (Object.keys(defaults) as (keyof typeof defaults)[]).every((name) => o[name] === defaults[name]), {
    error: 'give covScale, covDiag and priorVar, or parametrisation, not both',
    path: ['parametrisation'],
  })

type Given = z.output<typeof fsebOptions>

/** The three strengths, from whichever parametrisation was given. */
export const strengths = ({
  parametrisation: paper,
  covScale,
  covDiag,
  priorVar,
}: Pick<Given, 'parametrisation' | keyof typeof defaults>): typeof defaults =>
  paper ? { covScale: 1 / paper.tauF, covDiag: paper.beta / paper.tauF, priorVar: 1 / paper.tauTheta } : { covScale, covDiag, priorVar }
