import type { Dataset, Message } from 'ockham'
import { drawn, unitOf } from './certificate.js'
import type { CompressionOptions } from './compression.js'

/** What a bound by description is about. */
export const quantityOf = ({ loss, k }: CompressionOptions): string =>
  loss === 'error'
    ? 'error rate on the distribution that the training examples were drawn from'
    : loss === 'top-k'
      ? `top-${k} error on the distribution that the training examples were drawn from`
      : 'negative log-likelihood of the smoothed prediction, bits an example, on the distribution that the training examples were drawn from'

/** How its value follows from the terms. */
export function formulaOf({ method, loss, units }: CompressionOptions): string {
  const scaled = loss === 'log-likelihood'
  const mean = units === undefined ? 'rate' : 'rate + sampling'
  const failure = units === undefined ? 'delta' : '(delta − delta.sampling)'
  const nats = `nats + ln(1/${failure})`
  const forms = {
    kl: `largest p with kl(${mean} ‖ p) ≤ (${nats}) / n`,
    hoeffding: `${mean} + √((${nats}) / 2n)`,
    catoni: `least over γ of Catoni's map at γ/n of ${mean} + 1.0001 (${nats} + 2 ln(2 + ln γ / ln 1.0001)) / γ`,
  }
  const unit = scaled ? '; the loss, −log₂((1 − alpha) p + alpha/classes), counts from 0 to 1 on its range' : ''
  const draws =
    units === undefined
      ? ''
      : `; rate + sampling bounds the mean of all n from units draws in the same way, with delta.sampling and ln of the choices of alpha`
  return `nats = bits ln 2; bits = the sum of bits.*; value = ${forms[method]}${unit}${draws}`
}

/** What must hold for it. */
export const assumptionsOf = (
  { split, accounting, choices, units }: CompressionOptions,
  meta: Dataset['meta'],
  { rows }: Pick<Message, 'rows'>,
): string[] => [
  drawn(split, unitOf(meta), meta.dependence),
  'Architecture, seed, random start, projection, quantiser and the form of the message were fixed before the data was looked at, but for the choices that are paid for' +
    `${Object.keys(choices).length > 0 ? ` (${Object.keys(choices).join(', ')})` : ''}.`,
  'The predictor is the model that the message decodes to, evaluated without dropout or batch statistics.',
  ...(rows
    ? [
        `The start was learnt from the other examples of the ${split} split, chosen by a seed, and learns the same again from the spec; the bound counts the ${rows.length} examples that it did not see.`,
      ]
    : []),
  ...(units === undefined ? [] : ['The draws of the risk follow from the seed and the message, and were made once.']),
  ...(accounting === 'reference'
    ? [
        'Lengths are counted as published code does: up to one bit less than a prefix-free code takes, counts that sum to the whole, and a scaling of the inputs that costs nothing.',
      ]
    : []),
]
