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

/** A seed, an integer in [0, 2^53). */
export const seedOption = z.number().int().nonnegative().default(0)

/** The split to use when the dataset serves another, as context or as out-of-distribution set. */
export const splitOption = z.string().min(1).optional()

/** What image datasets share. */
export const imageOptions = {
  /** true: mean and standard deviation of the training pixels; false: pixels in [0, 1]; or a scaling. */
  normalise: z.union([z.boolean(), scalingOption]).default(true),
  augment: augmentOptions.optional(),
  split: splitOption,
}
