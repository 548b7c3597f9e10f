import { slot } from 'ockham'
import { z } from 'zod'

const whole = z.int().positive()

const shared = {
  after: slot('inference')
    .optional()
    .describe('what finds where all chains start; fresh weights a chain, or those of `initial`, unless given'),
  draws: whole.default(1000).describe('weights that are kept, of all chains together'),
  warmup: z.int().min(0).default(500).describe('transitions of each chain before weights are kept, in which step and mass adapt'),
  chains: whole.default(4).describe('chains, each with a start and a stream of its own'),
  thin: whole.default(1).describe('transitions from one kept draw to the next'),
  stepSize: z.number().positive().optional().describe('size of a leapfrog step; found and adapted unless given'),
  target: z.number().min(0.1).max(0.99).default(0.8).describe('mean acceptance that the step size adapts to'),
  mass: z.enum(['diagonal', 'identity']).default('diagonal').describe('diagonal: from the variances of the warm-up'),
  batchSize: whole.default(2048).describe('rows a pass; a gradient is always that of all data'),
  temperature: z.number().positive().default(1).describe('T of exp(−U/T); 1 is Bayes’ posterior'),
}

/** A chain without a draw would say nothing. */
const enough = ({ draws, chains }: { readonly draws: number; readonly chains: number }): boolean => draws >= chains
const tooFew = { error: 'draws are of all chains together: at least one a chain', path: ['draws'] }

export const hmcOptions = z
  .strictObject({
    ...shared,
    leapfrogSteps: whole.default(20).describe('leapfrog steps a trajectory'),
    jitter: z
      .number()
      .min(0)
      .lt(1)
      .default(0.1)
      .describe('share by which a trajectory’s step is varied, so that none comes round to its start'),
  })
  .refine(enough, tooFew)

export const nutsOptions = z
  .strictObject({
    ...shared,
    maxDepth: z.int().min(1).max(15).default(10).describe('doublings of a trajectory: 2 to this many leapfrog steps, less one, at most'),
  })
  .refine(enough, tooFew)
