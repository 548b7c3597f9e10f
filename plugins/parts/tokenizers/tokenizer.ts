import * as library from '@huggingface/tokenizers'
import { InputError, type Fault } from 'ockham'

/** Text to ids and back. Equal files give equal ids on every machine. */
export interface Tokenizer {
  /** Number of ids: every id is below it. */
  readonly size: number
  /** Ids of a text, nothing added before or after it. */
  encode(text: string): Int32Array
  /** Text of ids; marks such as the end of a text are left out unless `marks`. */
  decode(ids: ArrayLike<number>, options?: { readonly marks?: boolean }): string
  /** Id of a token as the vocabulary spells it. */
  id(token: string): number | undefined
  /** Id that begins a text, where the model was trained with one. */
  readonly begin?: number
  /** Id that ends a text. */
  readonly end?: number
}

/** What is used of the library, whose own declarations do not resolve under Node's rules for modules. */
interface Fast {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: readonly number[] }
  decode(ids: readonly number[], options: { readonly skip_special_tokens: boolean }): string
  token_to_id(token: string): number | undefined
  get_vocab(added: boolean): ReadonlyMap<string, number>
}

const { Tokenizer: Library } = library as unknown as { readonly Tokenizer: new (json: object, config: object) => Fast }

export const fault = (code: number, what: string, where?: string, remedy?: string): Fault => ({
  code: `OCK-TOKENS-${String(code).padStart(3, '0')}`,
  what,
  ...(where === undefined ? {} : { where }),
  ...(remedy === undefined ? {} : { remedy }),
})

/** Ids of the marks that begin and end a text. */
export interface Ends {
  readonly begin?: number | undefined
  readonly end?: number | undefined
}

/** A tokenizer of the description that a `tokenizer.json` holds; `hidden` ids are marks that text never spells. Throws `OCK-TOKENS-002` where the library cannot build it. */
export function described(json: object, where: string, ends: Ends = {}, hidden: ReadonlySet<number> = new Set()): Tokenizer {
  let fast: Fast
  let size = 0
  try {
    fast = new Library(json, { clean_up_tokenization_spaces: false })
    for (const id of fast.get_vocab(true).values()) size = Math.max(size, id + 1)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new InputError(fault(2, `the tokenizer cannot be built: ${why}`, where, 'the file is damaged or of a kind that is not read'), {
      cause,
    })
  }
  return {
    size,
    encode: (text) => Int32Array.from(text === '' ? [] : fast.encode(text, { add_special_tokens: false }).ids),
    decode(ids, { marks = false } = {}) {
      const shown = Array.from(ids).filter((id) => marks || !hidden.has(id))
      return shown.length === 0 ? '' : fast.decode(shown, { skip_special_tokens: !marks })
    },
    id: (token) => fast.token_to_id(token),
    ...(ends.begin === undefined ? {} : { begin: ends.begin }),
    ...(ends.end === undefined ? {} : { end: ends.end }),
  }
}
