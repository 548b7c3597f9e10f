import { InputError } from 'ockham'
import { z } from 'zod'
import { described, fault, type Ends, type Tokenizer } from './tokenizer.js'

const id = z
  .int()
  .min(0)
  .max(2 ** 24)

const addedToken = z.looseObject({ id, content: z.string() })

/** What is relied on of a `tokenizer.json`; the library reads the rest. */
const tokenizerJson = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  model: z.looseObject({
    type: z.enum(['BPE', 'WordPiece', 'Unigram', 'WordLevel']).optional(),
    vocab: z.union([z.record(z.string(), id), z.array(z.tuple([z.string(), z.number()]))]),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).optional(),
  }),
})

/** Parses JSON bytes. Throws `OCK-TOKENS-001`. */
export function parsed(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new InputError(fault(1, 'the file is not JSON in UTF-8', where, 'get it again'), { cause })
  }
}

/** Checks a parsed file against a schema; every fault with its path. Throws `OCK-TOKENS-001`. */
export function shaped<T>(schema: z.ZodType<T>, plain: unknown, where: string): T {
  const read = schema.safeParse(plain)
  if (read.success) return read.data
  throw new InputError(
    read.error.issues.slice(0, 10).map((i) => fault(1, i.message, `${where}: ${i.path.join('.')}`, 'get the file again')),
  )
}

/** Names that models use for the end and the beginning of a text, where their configuration does not say. */
const usualEnds = ['<|endoftext|>', '</s>', '<|end_of_text|>', '<|im_end|>', '<eos>', '[SEP]']
const usualBegins = ['<s>', '<|begin_of_text|>', '<bos>', '[CLS]']

const marksOf = z.looseObject({ content: z.string() }).transform(({ content }) => content)
const config = z.looseObject({
  eos_token: z.union([z.string(), marksOf]).nullish(),
  bos_token: z.union([z.string(), marksOf]).nullish(),
  add_bos_token: z.boolean().optional(),
})

/**
 * The tokenizer of a `tokenizer.json`, and of the `tokenizer_config.json` beside it where there is one, which says how texts end.
 * Throws `OCK-TOKENS-001` for what is not such a file, with every path that is wrong, `-002` where it cannot be built.
 */
export function fromJson(bytes: Uint8Array, where = 'tokenizer.json', settings?: Uint8Array): Tokenizer {
  const json = shaped(tokenizerJson, parsed(bytes, where), where)
  const beside = 'tokenizer_config.json'
  const said = settings === undefined ? undefined : shaped(config, parsed(settings, beside), beside)
  const named = new Map(json.added_tokens.map((t) => [t.content, t.id]))
  const first = (names: readonly string[]): number | undefined => names.map((n) => named.get(n)).find((n) => n !== undefined)
  const ends: Ends = {
    end: first(said?.eos_token ? [said.eos_token] : usualEnds),
    begin: said?.add_bos_token === false ? undefined : first(said?.bos_token ? [said.bos_token] : usualBegins),
  }
  return described(json, where, ends)
}
