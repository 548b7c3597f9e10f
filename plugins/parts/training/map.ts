import type { Engine, Inference, Optimizer, Problem, Sampler } from 'ockham'
import { slot } from 'ockham'
import { z } from 'zod'
import { adam, adamOptions } from './adam.js'
import { descend } from './descend.js'
import { stepsPerEpoch } from './samplers.js'
import { fromWeights, pointMass, savedWeights } from './weights.js'

const whole = z.int().positive()

/** Options of every inference that descends. */
export const descentShape = {
  epochs: whole.optional().describe('passes over the training split, 10 unless steps is given; give epochs or steps, not both'),
  steps: whole.optional().describe('updates of the weights, instead of epochs; give epochs or steps, not both'),
  batchSize: whole.default(128).describe('examples a step; all of them where there are fewer'),
  optimizer: slot('optimizer').optional().describe('adam unless given'),
  schedule: z.enum(['constant', 'cosine']).default('constant').describe('course of the learning rate after warm-up'),
  floor: z.number().min(0).max(1).default(0).describe('share of the learning rate left at the end of cosine'),
  warmup: z.int().min(0).default(0).describe('steps of linear rise at the start'),
  clip: z.number().positive().optional().describe('largest Euclidean norm of the gradient'),
  early: z
    .strictObject({
      patience: whole.describe('checks without a better validation likelihood after which learning stops'),
      every: whole.optional().describe('steps between checks; an epoch by default'),
    })
    .optional()
    .describe('stop where the validation likelihood no longer gets better, and keep the best weights; never unless given'),
  sampler: slot('sampler').optional().describe('shuffled unless given'),
  buckets: z
    .strictObject({
      least: whole.default(16).describe('shortest length that sequences are padded to'),
      most: whole.optional().describe('longest; that of the dataset unless given'),
      growth: z.number().gt(1).default(2).describe('ratio of one length to the one before'),
    })
    .optional()
    .describe('batches of sequences of like lengths, cut to the shortest of a few lengths: one program for each; needs a field length'),
  checkpoint: z
    .strictObject({
      seconds: z.number().positive().default(30).describe('seconds between two checkpoints'),
      steps: whole.optional().describe('steps between two checkpoints'),
    })
    .default({ seconds: 30 })
    .describe('between two checkpoints, whichever comes first'),
}

const mapShape = z.strictObject({
  ...descentShape,
  accumulate: whole.default(1).describe('batches an update: their gradients are added up one batch at a time, in the memory of one'),
})

export const mapOptions = mapShape.refine(({ epochs, steps }) => epochs === undefined || steps === undefined, {
  error: 'epochs and steps are two ways to say how long: give epochs or steps, not both',
  path: ['steps'],
})

export type MapOptions = Omit<z.output<typeof mapShape>, 'optimizer' | 'sampler'> & {
  readonly optimizer?: Optimizer | undefined
  readonly sampler?: Sampler | undefined
}

/** Updates that epochs or steps stand for. */
export const stepsOf = (
  { examples }: Problem,
  { epochs = 10, steps, batchSize }: Pick<MapOptions, 'epochs' | 'steps' | 'batchSize'>,
): number => steps ?? epochs * stepsPerEpoch(examples, batchSize)

/** The mode of the posterior over parameters, by stochastic descent on the mean loss + energy / N. */
export const maximumAPosteriori = (options: MapOptions, { engine }: { readonly engine: Engine }): Inference => ({
  async infer(problem, run) {
    const { schedule, floor, warmup, batchSize, optimizer, sampler, clip, early, buckets, checkpoint, accumulate } = options
    const { vars } = await descend(problem, run, {
      optimizer: optimizer ?? adam(adamOptions.parse({})),
      steps: stepsOf(problem, options),
      size: batchSize,
      accumulate,
      schedule: { kind: schedule, floor, warmup },
      checkpoint: { seconds: checkpoint.seconds, ...(checkpoint.steps !== undefined && { steps: checkpoint.steps }) },
      ...(sampler && { sampler }),
      ...(clip !== undefined && { clip }),
      ...(buckets && {
        buckets: { least: buckets.least, growth: buckets.growth, ...(buckets.most !== undefined && { most: buckets.most }) },
      }),
      ...(early && { early: { patience: early.patience, ...(early.every !== undefined && { every: early.every }) } }),
    })
    return fromWeights(problem, run.engine, pointMass(vars))
  },
  restore: async (saved, problem) => fromWeights(problem, engine, pointMass(await savedWeights(saved, problem))),
  plan: (problem) => ({ steps: stepsOf(problem, options), stepsPerEpoch: stepsPerEpoch(problem.examples, options.batchSize) }),
})
