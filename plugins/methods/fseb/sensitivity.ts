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

/**
 * The line along which a strength was searched, by its decimal logarithm: the most trials that differ in it alone, since a search of one strength after
 * the other has only its last line through the best. Of lines as long, that with the best.
 */
function along(trials: readonly Trial[], name: (typeof names)[number]): [number, number][] {
  const others = names.filter((other) => other !== name)
  const searched = trials.map((t) => trials.filter((u) => others.every((other) => u[other] === t[other])))
  const least = (line: readonly Trial[]): number => Math.min(...line.map((t) => t.nll))
  const line = searched.reduce((a, b) => (b.length > a.length || (b.length === a.length && least(b) < least(a)) ? b : a))
  return line.map((t): [number, number] => [Math.log10(t[name]), t.nll]).sort((a, b) => a[0] - b[0])
}

/**
 * What the strengths of fseb do on the validation split: every trial in a table, the likelihood along each strength in a picture, the best strengths,
 * and by how much the likelihood changes along each. Throws `OCK-FSEB-003` for a posterior that was not tuned.
 */
export const sensitivity = (): Evaluation => ({
  evaluate(posterior) {
    const trials = trialsOf(posterior)
    const best = trials.reduce((a, b) => (b.nll < a.nll ? b : a))
    const curves = names.map((name) => ({ name, points: along(trials, name) }))
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
