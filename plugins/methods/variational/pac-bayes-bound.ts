import {
  InputError,
  inputsOf,
  type Bound,
  type Certificate,
  type Dataset,
  type Posterior,
  type Problem,
  type Run,
  type Value,
} from 'ockham'
import { z } from 'zod'
import { drawn, unitOf } from '../../parts/bounds/certificate.js'
import { digests, gaussianKl, klInverse, natsOf, pacBayesKl, scalingBits } from '../../parts/bounds/index.js'
import { viewOf } from '../../parts/datasets/index.js'
import { correctness, decisions } from '../../parts/evaluation/index.js'
import { parametric } from '../../parts/networks/index.js'
import { map, predictor, prefix, value } from '../../parts/training/index.js'
import { inverseSoftplus } from './gaussian.js'
import { drawing, type PacBayesPosterior } from './pac-bayes.js'

export const pacBayesBoundOptions = z.strictObject({
  repeats: z.int().positive().default(5).describe('passes over the examples, each with weights of its own for every example'),
  choices: z
    .int()
    .positive()
    .default(1)
    .describe('settings that were tried on the examples of the bound, this one among them: a union over them'),
  sampling: z.number().gt(0).lt(1).default(0.2).describe('share of delta for the mean over drawn weights'),
})

type Options = z.output<typeof pacBayesBoundOptions>

const isPacBayes = (posterior: Posterior): posterior is PacBayesPosterior => 'pacBayes' in posterior

/** KL between posterior and prior, nats, in float64. */
export function klOf({ posterior, prior }: PacBayesPosterior['pacBayes']): number {
  const { params } = posterior.vars
  return Object.entries(params).reduce((sum, [name, mean]) => {
    const variance = Float64Array.from(posterior.deviation[name]!.data, (s: number) => s * s)
    return sum + gaussianKl(mean.data, variance, prior.mean[name]!.data, prior.deviation * prior.deviation)
  }, 0)
}

/** Errors over `repeats` passes in which every example meets weights of its own. */
async function errorsOf(pac: PacBayesPosterior['pacBayes'], problem: Problem, run: Run, repeats: number): Promise<number> {
  const rows = viewOf(problem.dataset, pac.rows)
  const { vars, deviation } = pac.posterior
  const rho = map(deviation, (s): Value => ({ ...s, data: Float32Array.from(s.data, inverseSoftplus) }))
  const weights = { ...vars, params: { ...prefix('mean.', vars.params), ...prefix('rho.', rho) } }
  const predict = predictor({ ...problem, model: drawing(parametric(problem.model)) }, run.engine, { train: true })
  const chunk = 1024
  let errors = 0
  for (let repeat = 0; repeat < repeats; repeat++) {
    const key = run.key.fold('weights').fold(repeat)
    for (let from = 0; from < pac.rows.length; from += chunk) {
      const index = Int32Array.from({ length: Math.min(chunk, pac.rows.length - from) }, (_, i) => from + i)
      const fields = await rows.read('train', value(index, [index.length], 'int32'))
      const inputs = inputsOf(fields)
      const prediction = await predict(weights, inputs, key.fold(from))
      if (prediction.kind !== 'categorical') throw refused('the posterior predicts numbers, not classes')
      const { probabilities } = prediction
      const { predicted } = decisions(Float64Array.from(probabilities.data), probabilities.shape[1]!)
      errors += correctness(predicted, Int32Array.from(fields['y']!.data)).reduce((n: number, right: number) => n + 1 - right, 0)
    }
  }
  return errors
}

const refused = (what: string): InputError =>
  new InputError({ code: 'OCK-VARIATIONAL-003', what, where: 'bounds', remedy: 'learn a classifier with the inference pac-bayes' })

/**
 * PAC-Bayes-kl for a stochastic network (Langford and Seeger 2001; Maurer 2004): its error is at most kl⁻¹(r, (KL + ln(2√n/δ₁))/n) on the n examples that the
 * prior did not see. r bounds the mean error over weights from m draws, one for every example and pass: kl⁻¹(errors/m, ln(1/δ₂)/m), since independent
 * draws with means of their own concentrate at least as well as equal ones (Hoeffding 1963).
 */
export const pacBayesBound = ({ repeats, choices, sampling }: Options, _: { readonly dataset: Dataset }): Bound => ({
  async certify(posterior, problem, run, delta): Promise<Certificate> {
    if (!isPacBayes(posterior)) throw refused('the posterior has no prior to be compared with')
    const { pacBayes: pac } = posterior
    const { meta } = problem.dataset
    const n = pac.rows.length
    const draws = repeats * n
    const errors = await errorsOf(pac, problem, run, repeats)
    const kl = klOf(pac)
    const deltas = { sampling: sampling * delta, generalisation: (1 - sampling) * delta }
    const rate = errors / draws
    // A scaling of the inputs that was fitted to all training rows is known to prior and posterior alike, but not before the data.
    const scaling = natsOf(scalingBits(problem.dataset))
    const mean = klInverse(rate, -Math.log(deltas.sampling) / draws)
    const bounded = Math.min(1, pacBayesKl(mean, kl + Math.log(choices) + scaling, n, deltas.generalisation))
    return {
      bound: 'pac-bayes-kl',
      quantity:
        'error rate of the network with weights drawn anew for every example, on the distribution that the training examples were drawn from',
      unit: unitOf(meta),
      value: bounded,
      trivial: 1,
      vacuous: bounded >= 1,
      confidence: 1 - delta,
      terms: {
        n,
        draws,
        errors,
        rate,
        sampling: mean - rate,
        kl,
        'nats.choices': Math.log(choices),
        'nats.scaling': scaling,
        complexity: bounded - mean,
        delta,
        'delta.sampling': deltas.sampling,
      },
      formula:
        'value = largest p with kl(rate + sampling ‖ p) ≤ (kl + nats.choices + nats.scaling + ln(2√n / (delta − delta.sampling))) / n; rate + sampling = largest p with kl(rate ‖ p) ≤ ln(1 / delta.sampling) / draws',
      assumptions: [
        drawn('train', unitOf(meta), meta.dependence),
        `The prior was learnt from ${Math.round(100 * pac.share)} % of the training split, chosen by a seed; the bound is from the other examples, and scale, architecture and settings were fixed before those were looked at.`,
        'The predictor draws the weights of its dense layers anew for every example; the rest of it is as the prior has it.',
      ],
      digests: digests(posterior, meta),
    }
  },
})
