import type { Dataset, Evaluation, Json, Posterior, Prediction, Problem, Report, Value } from 'ockham'
import { InputError } from 'ockham'
import { z } from 'zod'
import { bands, field, type BandPoint, type Square } from '../figures/index.js'
import { entropy } from './entropy.js'
import { checkSplits } from './predictions.js'

export const pictureOptions = z.strictObject({
  split: z.string().default('train').describe('the points that are drawn, and whose range the picture covers'),
  margin: z.number().min(0).default(0.5).describe('how far the picture goes beyond them, as a share of their range'),
  side: z.int().min(8).max(200).default(60).describe('places along a side; of one input four times as many'),
  most: z.int().min(1).default(500).describe('points that are drawn'),
})

type Options = z.output<typeof pictureOptions>

interface Points {
  /** Inputs as the network sees them, and in the units of the file. */
  readonly x: Float64Array
  readonly y: Float64Array | undefined
  readonly rows: number
}

/** Numbers of one input; 1 or 2. Throws `OCK-EVAL-007` for another dataset. */
function width({ meta }: Dataset): 1 | 2 {
  const shape = meta.shapes['x']?.shape
  const size = shape?.reduce((a, b) => a * b, 1)
  const outputs = meta.classes ? 1 : (meta.shapes['y']?.shape.reduce((a, b) => a * b, 1) ?? 1)
  if ((size === 1 && outputs === 1 && !meta.classes) || size === 2) return size
  throw new InputError({
    code: 'OCK-EVAL-007',
    what: `inputs x are ${shape ? `[${shape.join(', ')}]` : 'several'}: a picture is of one input and one target, or of two inputs`,
    where: 'evaluations.picture',
    remedy: 'leave picture out',
  })
}

async function pointsOf(dataset: Dataset, split: string, most: number, size: number): Promise<Points> {
  const rows = Math.min(most, dataset.meta.splits[split]!)
  const { x, y } = await dataset.read(split, { shape: [rows], dtype: 'int32', data: Int32Array.from({ length: rows }, (_, i) => i) })
  return { x: Float64Array.from(x!.data.slice(0, rows * size)), y: y && Float64Array.from(y.data), rows }
}

const original = (dataset: Dataset, v: number, i: number): number => {
  const { scaling } = dataset
  return scaling ? v * scaling.std[i % scaling.std.length]! + scaling.mean[i % scaling.mean.length]! : v
}

/** Centres along an axis, from the points' range and the margin. */
function axis(points: Points, size: number, i: number, count: number, margin: number): { at: number[]; step: number } {
  let [low, high] = [Infinity, -Infinity]
  for (let r = 0; r < points.rows; r++) {
    low = Math.min(low, points.x[r * size + i]!)
    high = Math.max(high, points.x[r * size + i]!)
  }
  const reach = (high - low || 1) * margin
  const step = (high - low + 2 * reach || 1) / (count - 1)
  return { at: Array.from({ length: count }, (_, k) => low - reach + k * step), step }
}

const input = (numbers: readonly number[], shape: readonly number[]): { x: Value } => ({
  x: { shape: [numbers.length / shape.reduce((a, b) => a * b, 1), ...shape], dtype: 'float32', data: Float32Array.from(numbers) },
})

const names = ({ meta }: Dataset, i: number): string => meta.features?.[i] ?? (i === 0 ? 'x' : 'x₂')

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length

/** The band of a regression over its one input. */
async function line(
  posterior: Posterior,
  dataset: Dataset,
  points: Points,
  { side, margin }: Options,
): Promise<{ values: Record<string, number>; figure: Json }> {
  const { at } = axis(points, 1, 0, 4 * side, margin)
  const p = await posterior.predict(input(at, dataset.meta.shapes['x']!.shape))
  if (p.kind !== 'normal') throw classesOfOne()
  const { mean: [shift = 0] = [], std: [stretch = 1] = [] } = dataset.target ?? {}
  const spread = (v: number): number => Math.sqrt(Math.max(0, v)) * stretch
  const curve = at.map((x, i): BandPoint => {
    const total = p.variance.data[i]!
    const epistemic = p.noise ? total - p.noise.data[i]! : total
    return { x: original(dataset, x, 0), mean: p.mean.data[i]! * stretch + shift, epistemic: spread(epistemic), total: spread(total) }
  })
  const seen = points.y ? Array.from(points.y, (y, i) => ({ x: original(dataset, points.x[i]!, 0), y: y * stretch + shift })) : []
  return { values: { 'picture/deviation': mean(curve.map((c) => c.total)) }, figure: bands(curve, seen, { x: names(dataset, 0), y: 'y' }) }
}

const classesOfOne = (): InputError =>
  new InputError({
    code: 'OCK-EVAL-007',
    what: 'a picture of one input is of a regression, and these predictions are classes',
    where: 'evaluations.picture',
    remedy: 'leave picture out',
  })

/** How unsure a prediction is: entropy of classes in nats, the standard deviation of a number in units of the file. */
function unsure(p: Prediction, { target }: Dataset): Float64Array {
  if (p.kind === 'categorical') return entropy(Float64Array.from(p.probabilities.data), p.probabilities.shape[1]!)
  const [stretch = 1] = target?.std ?? []
  const width = p.variance.data.length / p.mean.shape[0]!
  return Float64Array.from({ length: p.mean.shape[0]! }, (_, i) => stretch * Math.sqrt(p.variance.data[i * width]!))
}

/** Uncertainty over the plane of two inputs. */
async function plane(
  posterior: Posterior,
  dataset: Dataset,
  points: Points,
  { side, margin }: Options,
): Promise<{ values: Record<string, number>; figure: Json }> {
  const [a, b] = [axis(points, 2, 0, side, margin), axis(points, 2, 1, side, margin)]
  const grid = b.at.flatMap((y) => a.at.map((x) => [x, y] as const))
  const p = await posterior.predict(input(grid.flat(), dataset.meta.shapes['x']!.shape))
  const found = unsure(p, dataset)
  const squares = grid.map(([x, y], i): Square => ({ x: original(dataset, x, 0), y: original(dataset, y, 1), value: found[i]! }))
  const scale = (i: 0 | 1, step: number): number => original(dataset, step, i) - original(dataset, 0, i)
  const seen = Array.from({ length: points.rows }, (_, i) => ({
    x: original(dataset, points.x[2 * i]!, 0),
    y: original(dataset, points.x[2 * i + 1]!, 1),
    of: dataset.meta.classes?.[points.y?.[i] ?? 0] ?? '',
  }))
  const [value, metric] = p.kind === 'categorical' ? ['entropy, nats', 'entropy'] : ['standard deviation', 'deviation']
  const figure = field(squares, [scale(0, a.step), scale(1, b.step)], seen, { x: names(dataset, 0), y: names(dataset, 1), value })
  return { values: { [`picture/${metric}`]: mean(found) }, figure }
}

/**
 * What a posterior says over its whole input: the predictive band of a regression in one dimension, uncertainty over a plane of two; with the
 * mean uncertainty there. Throws `OCK-EVAL-001`, and `-007` where inputs are more.
 */
export const picture = (options: Options, { dataset }: { dataset: Dataset }): Evaluation => {
  checkSplits(dataset, [options.split], 'split')
  const size = width(dataset)
  return {
    async evaluate(posterior: Posterior, problem: Problem): Promise<Report> {
      const points = await pointsOf(problem.dataset, options.split, options.most, size)
      const { values, figure } = await (size === 1 ? line : plane)(posterior, problem.dataset, points, options)
      return { values, figures: { [size === 1 ? 'predictive band' : 'uncertainty over the plane']: figure } }
    },
  }
}
