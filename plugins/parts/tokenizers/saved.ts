import { z } from 'zod'
import type { Json } from 'ockham'
import { closed } from './closed.js'
import { shaped } from './json.js'
import { openTokenizer } from './open.js'
import { pruned } from './pruned.js'
import type { Tokenizer } from './tokenizer.js'

/** A tokenizer as plain data: a closed vocabulary whole, any other by its path, with the tokens that are kept of it where not all are. */
const description = z.union([
  z.strictObject({ tokens: z.array(z.string()).min(1), end: z.string().optional() }),
  z.strictObject({ path: z.string(), kept: z.array(z.int().min(0)).min(1).optional() }),
])

/** How a tokenizer is kept beside what was learnt with it. */
export type Description = z.output<typeof description>

/** The tokenizer of a {@link Description}. Throws `OCK-TOKENS-001` for another form, and what its reader throws. */
export function describedTokenizer(plain: Json, where: string): Tokenizer {
  const read = shaped(description, plain, where)
  if ('tokens' in read) return closed(read.tokens, read.end === undefined ? {} : { end: read.end })
  const whole = openTokenizer(read.path)
  return read.kept ? pruned(whole, read.kept) : whole
}

/** Ids of the whole vocabulary that a description keeps, in the order of their new numbers; nothing where it keeps all. */
export function keptTokens(plain: Json | undefined): readonly number[] | undefined {
  const read = description.safeParse(plain)
  return read.success && 'path' in read.data ? read.data.kept : undefined
}
