/*
 * Bayesian linear regression that has a closed form: four points on a line, noise ½, a normal prior of precision 2 on slope and intercept.
 * Every posterior can be asked what it makes of it.
 */
import type { Engine, Posterior, Prediction, Problem, Value, Values } from 'ockham'
import { mlp, mlpOptions } from '../../plugins/parts/networks/index.js'
import { gaussian } from '../../plugins/parts/objectives/index.js'
import { normal } from '../../plugins/parts/priors/index.js'
import { fromWeights, pointMass, value } from '../../plugins/parts/training/index.js'
import { inMemory } from './setting.js'

/** A symmetric matrix [[a, b], [b, c]] over (intercept, slope). */
export type Symmetric = readonly [a: number, b: number, c: number]

export const noise = 0.5
export const priorPrecision = 2

/** Rows (t, y). */
export type Rows = readonly (readonly [number, number])[]
export const fourPoints: Rows = [
  [0, 0.1],
  [1, 0.9],
  [2, 2.1],
  [3, 2.9],
]

export const inverse = ([a, b, c]: Symmetric): Symmetric => {
  const d = a * c - b * b
  return [c / d, -b / d, a / d]
}

/** Precision, mean and log evidence of the exact posterior. */
export function exact(rows: Rows): { precision: Symmetric; mean: readonly [number, number]; evidence: number } {
  const s = 1 / (noise * noise)
  const sum = (f: (t: number, y: number) => number): number => rows.reduce((total, [t, y]) => total + f(t, y), 0)
  const precision: Symmetric = [priorPrecision + s * rows.length, s * sum((t) => t), priorPrecision + s * sum((t) => t * t)]
  const [a, b, c] = inverse(precision)
  const [u, v] = [s * sum((_, y) => y), s * sum((t, y) => t * y)]
  const mean = [a * u + b * v, b * u + c * v] as const
  const likelihood = sum((t, y) => -((y - mean[0] - mean[1] * t) ** 2) * (s / 2) - Math.log(noise * Math.sqrt(2 * Math.PI)))
  const determinant = precision[0] * precision[2] - precision[1] ** 2
  const scatter = priorPrecision * (mean[0] ** 2 + mean[1] ** 2)
  return { precision, mean, evidence: likelihood - (Math.log(determinant) - 2 * Math.log(priorPrecision) + scatter) / 2 }
}

const column = (numbers: readonly number[]): Value => value(numbers, [numbers.length, 1])
export const at = (...t: readonly number[]): Values => ({ x: column(t) })

/** The problem for some rows, its initial posterior at the exact mean. */
export function lineProblem(engine: Engine, rows: Rows, changes: Partial<Problem> = {}): Problem {
  const fields = { x: column(rows.map(([t]) => t)), y: column(rows.map(([, y]) => y)) }
  const problem: Problem = {
    model: mlp(mlpOptions.parse({ hidden: [] })),
    dataset: inMemory({ train: fields, validation: fields, test: fields }),
    objective: gaussian({ noise }),
    prior: normal({ scale: 1 / Math.sqrt(priorPrecision) }),
    examples: rows.length,
    ...changes,
  }
  const { mean } = exact(rows)
  const params = { 'head.kernel': value([mean[1]], [1, 1]), 'head.bias': value([mean[0]]) }
  return { ...problem, initial: fromWeights(problem, engine, pointMass({ params, frozen: {}, state: {} })) }
}

/** Mean and covariance over (intercept, slope) as predictions tell them: three variances of a line fix its covariance. */
export async function momentsOf(
  posterior: Posterior,
  options: Parameters<Posterior['predict']>[1] = {},
): Promise<{ mean: readonly [number, number]; covariance: Symmetric }> {
  const p = await posterior.predict(at(0, 1, -1), options)
  if (p.kind !== 'normal') throw new Error('a regression predicts normal distributions')
  const epistemic = (i: number): number => p.variance.data[i]! - (p.noise?.data[i] ?? noise * noise)
  const [zero, one, minus] = [epistemic(0), epistemic(1), epistemic(2)]
  return { mean: [p.mean.data[0]!, p.mean.data[1]! - p.mean.data[0]!], covariance: [zero, (one - minus) / 4, (one + minus) / 2 - zero] }
}

/** Draws of (intercept, slope): of weights where the posterior has them, else of functions. */
export async function drawsOf(
  posterior: Posterior,
  count: number,
  key: Parameters<NonNullable<Posterior['weights']>['sample']>[0],
): Promise<(readonly [number, number])[]> {
  if (posterior.weights) {
    const draws: (readonly [number, number])[] = []
    for (let i = 0; i < count; i++) {
      const { params } = await posterior.weights.sample(key.fold(i))
      draws.push([params['head.bias']!.data[0]!, params['head.kernel']!.data[0]!])
    }
    return draws
  }
  const { members }: Prediction = await posterior.predict(at(0, 1), { samples: count, key })
  return Array.from({ length: count }, (_, i) => [members!.data[2 * i]!, members!.data[2 * i + 1]! - members!.data[2 * i]!] as const)
}
