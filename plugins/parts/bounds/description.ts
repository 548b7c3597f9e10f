import type { Dataset, Message } from 'ockham'
import type { Accounting } from './occam.js'
import { prefixLength } from './occam.js'
import { choiceBits } from './union.js'

/** Bits of a float64. */
const number = 64

/**
 * Bits of the scaling of the inputs where it was fitted to the examples that a bound is about: its float64 numbers, which a decoder
 * would have to be told. None where it was given.
 */
export const scalingBits = ({ scaling, fitted }: Pick<Dataset, 'scaling' | 'fitted'>): number =>
  scaling && fitted ? number * (scaling.mean.length + scaling.std.length) : 0

interface Account {
  readonly accounting: Accounting
  readonly choices: Readonly<Record<string, number>>
  readonly extraBits: number
}

/** Bits of a message by part, its length as a prefix-free description, and what else must be said: a fitted scaling, what was chosen. */
export function lengthOf(message: Message, dataset: Dataset, { accounting, choices, extraBits }: Account): Record<string, number> {
  const parts = message.lengths?.[accounting] ?? { message: message.bits }
  const bits = Object.values(parts).reduce((a, b) => a + b, 0)
  const chosen = choiceBits(choices) + extraBits
  // Published code does not count it.
  const scaling = accounting === 'corrected' ? scalingBits(dataset) : 0
  const length = prefixLength(bits, chosen + scaling, accounting)
  return {
    ...Object.fromEntries(Object.entries(parts).map(([name, of]) => [`bits.${name}`, of])),
    'bits.prefix': length - bits - chosen - scaling,
    ...(scaling > 0 && { 'bits.scaling': scaling }),
    'bits.choices': chosen,
    bits: length,
  }
}
