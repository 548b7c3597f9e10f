import { z } from 'zod'
import { augmentOptions } from './augment.js'

/** A map (x − mean) / std given by hand. */
export const scalingOption = z.strictObject({ mean: z.array(z.number()).min(1), std: z.array(z.number().positive()).min(1) })

/** Rows held out: below 1 a fraction of the training rows, from 1 a number of rows. */
export const heldOut = z
  .number()
  .nonnegative()
  .refine((n) => n < 1 || Number.isInteger(n), 'a fraction below 1, or a whole number of rows')
  .default(0)

/** An integer in [0, 2^53). */
export const seedOption = z.number().int().nonnegative().default(0).describe('what random choices of examples follow from')

export const splitOption = z
  .string()
  .min(1)
  .optional()
  .describe('the split to use where the dataset serves another, as context or out-of-distribution set')

/** What image datasets share. */
export const imageOptions = {
  normalise: z
    .union([z.boolean(), scalingOption])
    .default(true)
    .describe('true: mean and standard deviation of the training pixels; false: pixels in [0, 1]; or a scaling'),
  augment: augmentOptions.optional().describe('small random changes of the images that are trained on'),
  workers: z
    .number()
    .int()
    .min(0)
    .max(64)
    .default(1)
    .describe('threads that decode and augment images beside the training, where that takes longer than asking them; 0: none'),
  split: splitOption,
}
