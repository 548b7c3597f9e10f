import type { Prior } from 'ockham'
import { z } from 'zod'
import { independent, type LogDensity } from './independent.js'
import { normalOptions } from './normal.js'

export const studentTOptions = z.strictObject({
  scale: normalOptions.shape.scale.describe('scale of every parameter, or one a layer; variance scale² ν/(ν − 2) where ν > 2'),
  degrees: z.int().positive().default(3).describe('ν, degrees of freedom; 1 is the Cauchy density'),
})

/** log Γ(n/2) of a whole n > 0, by the recurrence from Γ(½) = √π and Γ(1) = 1. */
function logGammaOfHalf(n: number): number {
  let sum = n % 2 === 1 ? Math.log(Math.PI) / 2 : 0
  for (let k = n - 2; k > 0; k -= 2) sum += Math.log(k / 2)
  return sum
}

/** Log of Student's density with ν degrees of freedom. */
export const studentTDensity = (degrees: number): LogDensity => {
  const constant = logGammaOfHalf(degrees + 1) - logGammaOfHalf(degrees) - Math.log(degrees * Math.PI) / 2
  return (x) =>
    x
      .square()
      .div(degrees)
      .log1p()
      .mul(-(degrees + 1) / 2)
      .add(constant)
}

/** Student's density of every parameter, whose tails leave large weights alone: Σ (ν+1)/2 log(1 + θ²/νs²), nats, up to a constant. */
export const studentT = ({ scale, degrees }: z.output<typeof studentTOptions>): Prior => independent(scale, studentTDensity(degrees))
