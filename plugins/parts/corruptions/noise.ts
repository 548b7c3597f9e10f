import { filled, type Corrupt } from './image.js'

/** Normal noise of one standard deviation. */
export const gaussianNoise =
  (std: number): Corrupt =>
  (image, key) => {
    const noise = key.normal([image.data.length]).data
    return filled(image, (i) => image.data[i]! + std * noise[i]!)
  }

/** Normal noise in proportion to the value. */
export const speckleNoise =
  (std: number): Corrupt =>
  (image, key) => {
    const noise = key.normal([image.data.length]).data
    return filled(image, (i) => image.data[i]! * (1 + std * noise[i]!))
  }

/** Values become 0 or 1, as often either, with probability `amount`. */
export const impulseNoise =
  (amount: number): Corrupt =>
  (image, key) => {
    const u = key.uniform([image.data.length]).data
    return filled(image, (i) => (u[i]! < amount / 2 ? 0 : u[i]! < amount ? 1 : image.data[i]!))
  }

const logFactorials = [0]
function logFactorial(n: number): number {
  for (let k = logFactorials.length; k <= n; k++) logFactorials.push(logFactorials[k - 1]! + Math.log(k))
  return logFactorials[n]!
}

/** The Poisson number of a mean that a uniform number stands for: counts are gone through from the likeliest outwards. */
export function poisson(mean: number, u: number): number {
  if (mean <= 0) return 0
  const mode = Math.floor(mean)
  let [up, down] = [mode, mode]
  const start = Math.exp(mode * Math.log(mean) - mean - logFactorial(mode))
  let [above, below] = [start, start]
  let left = u - start
  while (left > 0 && (above > 1e-12 || below > 1e-12)) {
    above *= mean / ++up
    left -= above
    if (left <= 0) return up
    if (down > 0) {
      below *= down-- / mean
      left -= below
      if (left <= 0) return down
    } else below = 0
  }
  return left <= 0 ? mode : up
}

/** Photons counted: Poisson numbers of mean `rate` times the value, over `rate`. */
export const shotNoise =
  (rate: number): Corrupt =>
  (image, key) => {
    const u = key.uniform([image.data.length]).data
    return filled(image, (i) => poisson(image.data[i]! * rate, u[i]!) / rate)
  }
