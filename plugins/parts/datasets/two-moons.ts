import type { Dataset, HostKey } from 'ockham'
import { hostKey } from 'ockham'
import { z } from 'zod'
import { memory, type Fields } from './memory.js'
import { seedOption, splitOption } from './options.js'

const whole = (n: number): z.ZodDefault<z.ZodNumber> => z.number().int().positive().default(n)

export const twoMoonsOptions = z.strictObject({
  n: z.number().int().min(2).default(200).describe('training points'),
  noise: z.number().nonnegative().default(0.2).describe('standard deviation of the normal noise on each coordinate'),
  seed: seedOption,
  test: whole(2000).describe('fresh points in test'),
  validation: z.number().int().nonnegative().default(0).describe('fresh points in validation'),
  side: z.number().int().min(2).default(100).describe('points along a side of grid'),
  margin: z.number().nonnegative().default(5).describe('how far grid goes beyond the training points'),
  ring: whole(2000).describe('points on ring'),
  radius: z.number().positive().default(5).describe('radius of ring about (0.5, 0.25), the middle of the moons'),
  split: splitOption,
})

export type TwoMoonsOptions = z.output<typeof twoMoonsOptions>

const points = (data: Float64Array): Fields[string] => ({ shape: [2], dtype: 'float32', data })

/** Two half circles of radius 1, the upper about (0, 0) and the lower about (1, 0.5), each at even angles, with noise. */
function moons(count: number, noise: number, key: HostKey): Fields {
  const upper = Math.ceil(count / 2)
  const errors = key.normal([count, 2]).data
  const x = new Float64Array(2 * count)
  for (let i = 0; i < count; i++) {
    const [place, of] = i < upper ? [i, upper] : [i - upper, count - upper]
    const angle = of > 1 ? (Math.PI * place) / (of - 1) : 0
    const [u, v] = i < upper ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)]
    x.set([u + noise * errors[2 * i]!, v + noise * errors[2 * i + 1]!], 2 * i)
  }
  return { x: points(x), y: { shape: [], dtype: 'int32', data: Int32Array.from({ length: count }, (_, i) => Number(i >= upper)) } }
}

/** side × side points, evenly over the range of each coordinate of `x` extended by the margin; the first coordinate runs fastest. */
function grid(x: ArrayLike<number>, side: number, margin: number): Fields {
  const axis = (at: number): number[] => {
    const of = Array.from(x).filter((_, i) => i % 2 === at)
    const [low, high] = [Math.min(...of) - margin, Math.max(...of) + margin]
    return Array.from({ length: side }, (_, i) => low + ((high - low) * i) / (side - 1))
  }
  const [first, second] = [axis(0), axis(1)]
  return { x: points(Float64Array.from(second.flatMap((v) => first.flatMap((u) => [u, v])))) }
}

const ring = (count: number, radius: number): Fields => ({
  x: points(
    Float64Array.from(
      Array.from({ length: count }, (_, i) => (2 * Math.PI * i) / count).flatMap((angle) => [
        0.5 + radius * Math.cos(angle),
        0.25 + radius * Math.sin(angle),
      ]),
    ),
  ),
})

/** Two interleaved half circles: `train` and `test` are labelled, `grid` (context) and `ring` (far away) are not. Inputs are raw. */
export function twoMoons({ n, noise, seed, test, validation, side, margin, ring: onRing, radius, split }: TwoMoonsOptions): Dataset {
  const key = hostKey(seed).fold('two-moons')
  const train = moons(n, noise, key.fold('train'))
  return memory({
    task: 'classification',
    classes: ['upper', 'lower'],
    licence: 'generated, free of rights',
    splits: {
      train,
      ...(validation > 0 && { validation: moons(validation, noise, key.fold('validation')) }),
      test: moons(test, noise, key.fold('test')),
      grid: grid(train['x']!.data, side, margin),
      ring: ring(onRing, radius),
    },
    split,
  })
}
