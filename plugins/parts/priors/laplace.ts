import type { Prior } from 'ockham'
import { z } from 'zod'
import { independent, type LogDensity } from './independent.js'
import { normalOptions } from './normal.js'

export const laplacePriorOptions = z.strictObject({
  scale: normalOptions.shape.scale.describe('b, mean absolute value of every parameter, or one a layer; variance 2b²'),
})

/** Log of the double exponential density, −|z| − log 2. */
export const laplaceDensity: LogDensity = (x) => x.abs().neg().sub(Math.LN2)

/** Double exponential density of every parameter: Σ |θ|/b, nats, up to a constant; maximum a posteriori weights are sparse (the lasso). */
export const laplacePrior = ({ scale }: z.output<typeof laplacePriorOptions>): Prior => independent(scale, laplaceDensity)
