import { klInverse } from './kl-inverse.js'

/**
 * Length in bits of a prefix-free description from a message of `bits` bits: C + 2 log₂ C and what else must be said. The π²/6 that
 * Σ 1/C² exceeds one by costs less than one bit, which `reference` accounting leaves out as published code does (Lotfi et al. 2022).
 */
export const prefixLength = (bits: number, extra = 0, accounting: Accounting = 'corrected'): number =>
  bits + 2 * Math.log2(Math.max(1, bits)) + extra + (accounting === 'corrected' ? 1 : 0)

/** How description lengths are counted: as the file has them and Kraft's inequality wants them, or as published code counts. */
export type Accounting = 'corrected' | 'reference'

/** ln 1/P of a hypothesis described by `bits` bits, nats. */
export const natsOf = (bits: number): number => bits * Math.LN2

/**
 * Occam's bound in Hoeffding's form: mean + range √((nats + ln 1/delta) / 2n) for all hypotheses at once, with nats = ln 1/P(h) under a
 * prior that does not depend on the sample (Blumer et al. 1987; McAllester 1998). May exceed the range.
 */
export const occamHoeffding = (mean: number, nats: number, n: number, delta: number, range = 1): number =>
  mean + range * Math.sqrt((nats - Math.log(delta)) / (2 * n))

/** Occam's bound in Chernoff's form, kl⁻¹(mean, (nats + ln 1/delta) / n), losses in [0, 1]; never above Hoeffding's (Langford 2005). */
export const occamKl = (mean: number, nats: number, n: number, delta: number): number => klInverse(mean, (nats - Math.log(delta)) / n)

/** Occam's bound where the hypothesis makes no error at all: (nats + ln 1/delta) / n. */
export const occamRealisable = (nats: number, n: number, delta: number): number => (nats - Math.log(delta)) / n
