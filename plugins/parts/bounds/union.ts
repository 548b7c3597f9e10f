import type { Certificate } from 'ockham'
import { InputError } from 'ockham'

/**
 * Nats that a choice costs which was made after seeing the data, among hypotheses or settings declared before: −ln of its weight.
 * Weights are positive and sum to at most one; without them all choices weigh the same. Throws `OCK-BOUND-004` otherwise.
 */
export function unionPrice(choices: number, chosen = 0, weights?: readonly number[]): number {
  if (!weights) return Math.log(choices)
  const sum = weights.reduce((a, b) => a + b, 0)
  if (weights.length === choices && weights.every((w) => w > 0) && sum <= 1 + 1e-12) return -Math.log(weights[chosen]!)
  throw new InputError({
    code: 'OCK-BOUND-004',
    what: `${weights.length} weights that sum to ${sum} do not divide a failure probability among ${choices} choices`,
    where: 'weights',
    remedy: 'give one positive weight a choice, with a sum of at most one',
  })
}

/** Bits of a choice among the options declared for each setting: log₂ of their product. */
export const choiceBits = (choices: Readonly<Record<string, number>>): number =>
  Object.values(choices).reduce((bits, options) => bits + Math.log2(options), 0)

/** δ divided in proportion to `shares`, so that bounds of which each fails with its part hold together with probability 1 − δ. */
export function divided(delta: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((a, b) => a + b, 0)
  return shares.map((share) => (delta * share) / sum)
}

/** With what probability several certificates hold at the same time, at least: one minus the sum of what each may fail with. */
export const jointConfidence = (certificates: readonly Pick<Certificate, 'confidence'>[]): number =>
  Math.max(0, 1 - certificates.reduce((sum, { confidence }) => sum + (1 - confidence), 0))
