import type { Evaluation, Json, Posterior } from 'ockham'
import { InputError } from 'ockham'
import { z } from 'zod'
import { lines } from '../../parts/figures/index.js'
import type { Trial, Tuned } from './tuned.js'

export const sensitivityOptions = z.strictObject({})

const names = ['covDiag', 'covScale', 'priorVar'] as const

const trialsOf = (posterior: Posterior): readonly Trial[] => {
  const { trials } = posterior as Partial<Tuned>
  if (trials) return trials
  throw new InputError({
    code: 'OCK-FSEB-003',
    what: 'the posterior was not tuned',
    where: 'fseb-sensitivity',
    remedy: 'use the inference fseb-tuned',
  })
}

/** Trials that differ from the best in one strength alone, by its decimal logarithm. */
const along = (trials: readonly Trial[], best: Trial, name: (typeof names)[number]): [number, number][] =>
  trials
    .filter((t) => names.every((other) => other === name || t[other] === best[other]))
    .map((t): [number, number] => [Math.log10(t[name]), t.nll])
    .sort((a, b) => a[0] - b[0])

/**
 * What the strengths of fseb do on the validation split: every trial in a table, the likelihood along each strength through the best in a picture, the best
 * strengths, and by how much the likelihood changes along each. Throws `OCK-FSEB-003` for a posterior that was not tuned.
 */
export const sensitivity = (): Evaluation => ({
  evaluate(posterior) {
    const trials = trialsOf(posterior)
    const best = trials.reduce((a, b) => (b.nll < a.nll ? b : a))
    const curves = names.map((name) => ({ name, points: along(trials, best, name) }))
    const spread = (points: readonly [number, number][]): number =>
      Math.max(...points.map((p) => p[1])) - Math.min(...points.map((p) => p[1]))
    return Promise.resolve({
      values: {
        'validation/nll': best.nll,
        ...Object.fromEntries(names.map((name) => [`tuned/${name}`, best[name]])),
        ...Object.fromEntries(curves.map(({ name, points }) => [`validation/nll-range-${name}`, spread(points)])),
      },
      tables: { sensitivity: trials.map((t): Record<string, Json> => ({ ...t })) },
      figures: { sensitivity: lines(curves, { x: 'log₁₀ of the strength', y: 'validation NLL, nats' }) },
    })
  },
})
