import { z } from 'zod'
import type { Json } from 'ockham'
import { closed } from './closed.js'
import { shaped } from './json.js'
import { openTokenizer } from './open.js'
import type { Tokenizer } from './tokenizer.js'

/** A tokenizer as plain data: a closed vocabulary whole, any other by its path. */
const description = z.union([
  z.strictObject({ tokens: z.array(z.string()).min(1), end: z.string().optional() }),
  z.strictObject({ path: z.string() }),
])

/** How a tokenizer is kept beside what was learnt with it. */
export type Description = z.output<typeof description>

/** The tokenizer of a {@link Description}. Throws `OCK-TOKENS-001` for another form, and what its reader throws. */
export function describedTokenizer(plain: Json, where: string): Tokenizer {
  const read = shaped(description, plain, where)
  return 'path' in read ? openTokenizer(read.path) : closed(read.tokens, read.end === undefined ? {} : { end: read.end })
}
