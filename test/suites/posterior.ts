import type { Engine, Inference, Posterior, Prediction, Problem, Values } from 'ockham'
import { hostKey } from 'ockham'
import { tf } from 'ockham/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, drawsOf, exact, fourPoints, inverse, lineProblem, momentsOf, priorPrecision, type Rows, type Symmetric } from './line.js'
import { rowsOf, value } from '../../plugins/parts/training/index.js'
import { bytesOf, freshRun, interpreter, type StartEngine } from './setting.js'

/**
 * What an inference makes of a Gaussian posterior with a given precision: `exact` its covariance, `diagonal` the inverse of the precision's
 * diagonal (a mean-field or diagonal approximation), `point` none.
 */
export type Moments = 'exact' | 'diagonal' | 'point' | ((precision: Symmetric) => Symmetric)

export interface PosteriorCase {
  /** The inference, to be run on a line through points from an initial posterior at the exact mean. */
  readonly make: (engine: Engine) => Inference | Promise<Inference>
  /** Left out where there is no closed form: then only what holds for every posterior is asked. */
  readonly moments?: Moments
  /**
   * A problem of its own, where the line is not what the posterior is of: classes, a model with other weights. Its split `test` is predicted, and only
   * what holds for every posterior is asked.
   */
  readonly problem?: (engine: Engine) => Problem | Promise<Problem>
  /** Members of the problem in which this case differs. */
  readonly changes?: (engine: Engine) => Partial<Problem> | Promise<Partial<Problem>>
  /** How a prediction is asked for: samplers want a number of draws. */
  readonly predict?: { readonly samples: number }
  /** Largest relative error of moments; float32 and no more unless given. */
  readonly tolerance?: number
  /** Draws by which the covariance of samples is measured. */
  readonly draws?: number
  readonly engine?: StartEngine
}

const covarianceOf = (moments: Moments, precision: Symmetric): Symmetric => {
  if (typeof moments === 'function') return moments(precision)
  if (moments === 'exact') return inverse(precision)
  return moments === 'diagonal' ? [1 / precision[0], 0, 1 / precision[2]] : [0, 0, 0]
}

const fields = ({ kind, ...rest }: Prediction): Values => {
  void kind
  return rest
}

/** Numbers of one row of a prediction, in the order of their fields. */
const rowOf = (p: Prediction, row: number): number[] =>
  (p.kind === 'normal' ? [p.mean, p.variance] : [p.probabilities]).flatMap(({ data, shape }) => {
    const width = data.length / shape[0]!
    return Array.from(data.slice(row * width, (row + 1) * width))
  })

/** Inputs of three rows of the split `test`. */
async function threeOf({ dataset }: Problem): Promise<Values> {
  const all = await dataset.read('test', value([0, 1, 2], [3], 'int32'))
  return Object.fromEntries(Object.entries(all).filter(([name]) => name === 'x' || name.startsWith('x.')))
}

/** The ladder of conformance of every posterior: each rung is a mistake that libraries have made. */
export function posteriorSuite(
  name: string,
  { make, moments, problem: given, changes, predict, tolerance = 1e-4, draws = 2000, engine: start = interpreter }: PosteriorCase,
): void {
  describe(`posterior ${name}`, () => {
    let engine: Engine
    let inference: Inference
    let own: Partial<Problem>
    let posterior: Posterior
    let other: Problem | undefined
    let three: Values
    const problemOf = (rows: Rows): Problem => other ?? lineProblem(engine, rows, own)
    const infer = (rows: Rows, seed = 0): Promise<Posterior> => inference.infer(problemOf(rows), freshRun(engine, seed))
    const asked = () => (predict ? { ...predict, key: hostKey(8) } : {})
    beforeAll(async () => {
      engine = await start()
      own = (await changes?.(engine)) ?? {}
      other = await given?.(engine)
      three = other ? await threeOf(other) : at(-1, 0.5, 4)
      inference = await make(engine)
      posterior = await infer(fourPoints)
    })
    afterAll(() => engine.dispose())

    const size = (s: Symmetric): number => Math.max(s[0], s[2])
    const expectMoments = async (of: Posterior, rows: Rows, form: Moments): Promise<void> => {
      const { precision, mean } = exact(rows)
      const wanted = covarianceOf(form, precision)
      const found = await momentsOf(of, asked())
      // A draw's error is that of its number; the mean's is measured by the spread, or by float32.
      const scale = Math.max(Math.sqrt(size(inverse(precision))), 1e-3)
      mean.forEach((m, i) =>
        expect(Math.abs(found.mean[i]! - m), `mean ${i}: ${found.mean[i]} for ${m}`).toBeLessThan(Math.max(tolerance, 1e-4) * scale),
      )
      const unit = Math.max(size(wanted), size(inverse(precision)))
      wanted.forEach((v, i) =>
        expect(Math.abs(found.covariance[i]! - v), `covariance ${i}: ${found.covariance[i]} for ${v}`).toBeLessThan(tolerance * unit),
      )
    }

    if (moments !== undefined && !given) {
      it('has the moments of the closed form', () => expectMoments(posterior, fourPoints, moments))

      it('draws with the covariance of the closed form, not only its diagonal', async () => {
        const { precision, mean } = exact(fourPoints)
        const wanted = covarianceOf(moments, precision)
        const found = await drawsOf(posterior, moments === 'point' ? 3 : draws, hostKey(4))
        const n = found.length
        const second = [0, 0, 0]
        for (const [a, b] of found)
          [(a - mean[0]) ** 2, (a - mean[0]) * (b - mean[1]), (b - mean[1]) ** 2].forEach((v, i) => (second[i]! += v / n))
        const [a, b, c] = wanted
        const errors = [2 * a * a, a * c + b * b, 2 * c * c].map((v) => Math.sqrt(v / n))
        wanted.forEach((v, i) =>
          expect(Math.abs(second[i]! - v), `covariance ${i}: ${second[i]} for ${v}`).toBeLessThan(
            5 * errors[i]! + tolerance * size(inverse(precision)),
          ),
        )
      })

      it('doubles the likelihood’s part of the precision with every row, and that alone', async () => {
        const twice = [...fourPoints, ...fourPoints]
        const doubled = await infer(twice)
        await expectMoments(doubled, twice, moments)
        if (moments === 'point') return
        const part = async (of: Posterior): Promise<Symmetric> => {
          const [p, q, r] = inverse((await momentsOf(of, asked())).covariance)
          return [p - priorPrecision, q, r - priorPrecision]
        }
        const [one, two] = [await part(posterior), await part(doubled)]
        const unit = 2 * size(one)
        two.forEach((v, i) => expect(Math.abs(v - 2 * one[i]!), `${v} for twice ${one[i]}`).toBeLessThan(10 * tolerance * unit))
      })

      if (moments === 'exact')
        it('states the evidence of the closed form, where it states one', () => {
          if (posterior.evidence === undefined) return
          expect(Math.abs(posterior.evidence - exact(fourPoints).evidence)).toBeLessThan(1e-3)
        })

      it('does not depend on the order of the rows', async () => {
        const { mean, covariance } = await momentsOf(await infer([2, 0, 3, 1].map((i) => fourPoints[i]!)), asked())
        const wanted = await momentsOf(posterior, asked())
        const unit = Math.sqrt(size(inverse(exact(fourPoints).precision)))
        mean.forEach((m, i) => expect(Math.abs(m - wanted.mean[i]!)).toBeLessThan(2 * Math.max(tolerance, 1e-4) * unit))
        covariance.forEach((v, i) => expect(Math.abs(v - wanted.covariance[i]!)).toBeLessThan(2 * tolerance * unit * unit))
      })
    }

    it('is the same for the same seed', async () => {
      const again = await infer(fourPoints)
      expect(bytesOf(again.save().values)).toEqual(bytesOf(posterior.save().values))
      expect(bytesOf(fields(await again.predict(three, asked())))).toEqual(bytesOf(fields(await posterior.predict(three, asked()))))
    })

    it('predicts and draws the same after it was saved and restored', async () => {
      const saved = posterior.save()
      expect(JSON.parse(JSON.stringify(saved.meta))).toEqual(saved.meta)
      const restored = await inference.restore(saved, problemOf(fourPoints))
      expect(bytesOf(fields(await restored.predict(three, asked())))).toEqual(bytesOf(fields(await posterior.predict(three, asked()))))
      expect(restored.evidence).toBe(posterior.evidence)
      if (!posterior.weights) return
      const [one, two] = [await posterior.weights.sample(hostKey(2)), await restored.weights!.sample(hostKey(2))]
      expect(bytesOf(two.params)).toEqual(bytesOf(one.params))
    })

    it('leaves no tensor behind', async () => {
      // What is compiled at the first time is held.
      await posterior.predict(three, asked())
      const before = tf.memory().numTensors
      await infer(fourPoints)
      await posterior.predict(three, asked())
      expect(tf.memory().numTensors).toBe(before)
    })

    it('predicts a row the same wherever it stands, and in whatever company', async () => {
      const last = Object.fromEntries(Object.entries(three).map(([name, v]) => [name, rowsOf(v, 2, 1)]))
      const [alone, among] = [await posterior.predict(last, asked()), await posterior.predict(three, asked())]
      rowOf(among, 2).forEach((v, i) => expect(v).toBeCloseTo(rowOf(alone, 0)[i]!, 5))
    })

    it('separates noise from what it does not know, or gives probabilities', async () => {
      const p = await posterior.predict(other ? three : at(0, 30), asked())
      if (p.kind === 'categorical') {
        for (const row of [0, 1, 2]) {
          expect(rowOf(p, row).every((v) => v >= 0)).toBe(true)
          expect(rowOf(p, row).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
        }
        return
      }
      p.variance.data.forEach((v: number, i: number) => expect(v).toBeGreaterThanOrEqual((p.noise?.data[i] ?? 0) * (1 - 1e-6)))
    })
  })
}
