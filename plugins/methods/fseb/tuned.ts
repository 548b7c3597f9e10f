/* Strengths of the prior by the likelihood of held-out rows: the diagonal first, then the scale, then the variance, as the brief of the method advises. */
import type { Engine, Inference, Posterior, Problem, Run, Saved, Value } from 'ockham'
import { InputError, slot } from 'ockham'
import { z } from 'zod'
import { checkSplits, fitOf, predictionsOf } from '../../parts/evaluation/index.js'
import { mapOptions, maximumAPosteriori, prefix, under, value, type MapOptions } from '../../parts/training/index.js'
import type { Fseb } from './fseb.js'
import type { Strengths } from './options.js'

const grid = (of: readonly number[]) => z.array(z.number().positive()).default([...of])

export const tunedOptions = z.strictObject({
  of: slot('inference').optional().describe('what learns at each choice; map unless given'),
  covDiag: grid([0.1, 1, 10, 100]).describe('values of β that are tried, first'),
  covScale: grid([0.001, 0.01, 0.1]).describe('values of s, then'),
  priorVar: grid([0.01, 0.1, 1]).describe('values of v, last'),
  search: z.enum(['coordinates', 'grid']).default('coordinates').describe('one strength after the other, or every combination'),
  split: z.string().default('validation').describe('rows by whose likelihood is chosen'),
})

export type TunedOptions = Omit<z.output<typeof tunedOptions>, 'of'> & { readonly of?: Inference | undefined }

/** A choice of strengths and what came of it on the split. */
export interface Trial extends Strengths {
  readonly nll: number
  /** Accuracy of classes, or root mean squared error. */
  readonly score: number
}

/** The posterior at the best strengths, and all that were tried. */
export interface Tuned extends Posterior {
  readonly trials: readonly Trial[]
}

const columns = ['covScale', 'covDiag', 'priorVar', 'nll', 'score'] as const
const order = ['covDiag', 'covScale', 'priorVar'] as const

const tunable = (problem: Problem): Fseb => {
  const prior = problem.prior as Partial<Fseb>
  if (prior.strengths && prior.at) return prior as Fseb
  throw new InputError({
    code: 'OCK-FSEB-001',
    what: 'there are no strengths to tune: the prior is not fseb',
    where: 'prior',
    remedy: 'use the prior fseb, or another inference',
  })
}

/** A posterior that remembers its trials, in what it saves too. */
const remembering = (posterior: Posterior, trials: readonly Trial[]): Tuned => ({
  ...posterior,
  trials,
  save() {
    const { kind, values, meta } = posterior.save()
    const all = value(
      trials.flatMap((t) => columns.map((c) => t[c])),
      [trials.length, columns.length],
      'float64',
    )
    return { kind: 'fseb-tuned', values: { ...prefix('of.', values), trials: all }, meta: { kind, meta } }
  },
})

const trialsIn = ({ data }: Value): Trial[] =>
  Array.from(
    { length: data.length / columns.length },
    (_, i) => Object.fromEntries(columns.map((c, j) => [c, data[i * columns.length + j]!])) as unknown as Trial,
  )

const same = (a: Strengths, b: Strengths): boolean => order.every((name) => a[name] === b[name])

/** Learns at a choice, once; keeps the best posterior. */
class Search {
  readonly trials: Trial[] = []
  best: { readonly trial: Trial; readonly posterior: Posterior } | undefined

  constructor(
    private readonly of: Inference,
    private readonly problem: Problem,
    private readonly prior: Fseb,
    private readonly run: Run,
    private readonly split: string,
  ) {}

  async at(strengths: Strengths): Promise<void> {
    if (this.trials.some((t) => same(t, strengths))) return
    const problem = { ...this.problem, prior: this.prior.at(strengths) }
    const posterior = await this.run.infer(`trial-${this.trials.length}`, this.of, problem)
    const found = fitOf(await predictionsOf(posterior, problem.dataset, this.split), this.split)
    const trial = { ...strengths, nll: found.nll, score: found['accuracy'] ?? found['rmse']! }
    this.trials.push(trial)
    this.run.emit({ type: 'evaluation', name: 'fseb-tuned', values: { ...strengths, [`${this.split}/nll`]: found.nll } })
    if (!this.best || trial.nll < this.best.trial.nll) this.best = { trial, posterior }
  }

  async coordinates(values: Readonly<Record<(typeof order)[number], readonly number[]>>): Promise<void> {
    for (const name of order)
      for (const v of values[name]) {
        const { covScale, covDiag, priorVar } = this.best?.trial ?? this.prior.strengths
        await this.at({ covScale, covDiag, priorVar, [name]: v })
      }
  }

  async grid(values: Readonly<Record<(typeof order)[number], readonly number[]>>): Promise<void> {
    for (const covDiag of values.covDiag)
      for (const covScale of values.covScale) for (const priorVar of values.priorVar) await this.at({ covScale, covDiag, priorVar })
  }
}

/**
 * Another inference under the prior fseb at several strengths; the posterior is that of the least negative log-likelihood on the split. Every trial is a
 * stage of its own, read back on resume, with a start of its own. Throws `OCK-FSEB-001` for another prior, `OCK-EVAL-001` where there is no such split.
 */
export const tuned = (options: TunedOptions, { engine }: { readonly engine: Engine }): Inference => {
  const of = options.of ?? maximumAPosteriori(mapOptions.parse({}) as MapOptions, { engine })
  return {
    async infer(problem, run): Promise<Tuned> {
      checkSplits(problem.dataset, [options.split], 'inference.split')
      const search = new Search(of, problem, tunable(problem), run, options.split)
      await search[options.search](options)
      return remembering(search.best!.posterior, search.trials)
    },
    async restore({ kind, values, meta }: Saved, problem): Promise<Posterior> {
      if (kind !== 'fseb-tuned')
        throw new InputError({
          code: 'OCK-FSEB-002',
          what: `what was saved is a posterior of kind ${kind}, not one that was tuned`,
          where: 'restore',
          remedy: 'restore it with the inference that made it',
        })
      const inner = meta as unknown as Pick<Saved, 'kind' | 'meta'>
      return remembering(await of.restore({ ...inner, values: under('of.', values) }, problem), trialsIn(values['trials']!))
    },
    plan(problem) {
      const { covDiag, covScale, priorVar, search } = options
      const sizes = [covDiag.length, covScale.length, priorVar.length]
      const trials = sizes.reduce((a, b) => (search === 'grid' ? a * b : a + b))
      return { ...of.plan?.(problem), trials }
    },
  }
}
