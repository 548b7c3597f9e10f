import { hostKey, InputError, type HostKey } from 'ockham'
import type { Tokenizer } from '../tokenizers/index.js'
import { checkChoice, choose, type Choice } from './choose.js'
import { reader, type Served } from './reader.js'
import { checkTokens } from './sizes.js'

export interface GenerateOptions extends Choice {
  /** Tokens of each text to go on from, at least one. */
  readonly prompts: readonly ArrayLike<number>[]
  /** Most tokens that are added. */
  readonly tokens: number
  readonly tokenizer: Tokenizer
  /** Texts that end what is added; they are left out of it. */
  readonly stop?: readonly string[]
  /** Row r draws its token number i from `key.fold(r).fold(i)`. */
  readonly key?: HostKey
  /** A grammar: what may follow the tokens of a row so far (the prompt's first), 1 a token that may, [V]; absent for no rule. */
  readonly allowed?: (row: number, tokens: readonly number[]) => ArrayLike<number> | undefined
  /** Gets text as soon as it is settled: nothing that could still become a stop text or belongs to a broken character. */
  readonly emit?: (row: number, text: string) => void
  readonly signal?: AbortSignal
}

export interface Generated {
  /** Tokens added, the end mark included where one was chosen. */
  readonly tokens: readonly number[]
  readonly text: string
  readonly ended: 'tokens' | 'end' | 'stop'
}

/** Length of the longest end of `text` that a stop text begins with. */
function pending(text: string, stop: readonly string[]): number {
  let most = 0
  for (const s of stop) for (let k = Math.min(s.length - 1, text.length); k > most; k--) if (text.endsWith(s.slice(0, k))) most = k
  return most
}

/** A row that is being written. */
class Row {
  readonly tokens: number[] = []
  text = ''
  ended: Generated['ended'] | undefined
  #said = 0

  constructor(
    readonly prompt: readonly number[],
    readonly options: GenerateOptions,
    readonly number: number,
  ) {}

  add(id: number): void {
    const { tokenizer, stop = [], tokens } = this.options
    this.tokens.push(id)
    this.text = tokenizer.decode(this.tokens)
    const at = Math.min(...stop.map((s) => this.text.indexOf(s)).filter((i) => i >= 0))
    if (at !== Infinity) {
      this.text = this.text.slice(0, at)
      this.ended = 'stop'
    } else if (id === tokenizer.end) this.ended = 'end'
    else if (this.tokens.length === tokens) this.ended = 'tokens'
    const settled = this.ended ? this.text : this.text.slice(0, this.text.length - pending(this.text, stop)).replace(/\uFFFD+$/, '')
    if (settled.length > this.#said) this.options.emit?.(this.number, settled.slice(this.#said))
    this.#said = Math.max(this.#said, settled.length)
  }
}

/**
 * Goes on from texts, a row each, until the end mark, a stop text or `tokens`. The likeliest token each time unless a temperature is given;
 * equal keys give equal texts, whatever rows are beside. Throws `OCK-GPT-002` for more than the context holds, `-006` for tokens that the model
 * lacks, `-007` for options outside their range, `-008` for a mask that allows nothing.
 */
export async function generate(served: Served, options: GenerateOptions): Promise<Generated[]> {
  checkChoice(options)
  const { prompts, tokens, stop = [], key = hostKey(0), allowed, signal } = options
  if (prompts.length === 0 || prompts.some((prompt) => prompt.length === 0))
    throw new InputError({
      code: 'OCK-GPT-007',
      what: 'there is nothing to go on from',
      where: 'prompts',
      remedy: 'give at least one token, such as the mark that begins a text',
    })
  if (stop.includes(''))
    throw new InputError({
      code: 'OCK-GPT-007',
      what: 'an empty text stops everything',
      where: 'stop',
      remedy: 'give at least a character',
    })
  for (const prompt of prompts) checkTokens(prompt, served.sizes, 'prompts')
  const rows = prompts.map((prompt, i) => new Row(Array.from(prompt), options, i))
  const longest = Math.max(...rows.map(({ prompt }) => prompt.length))
  // The last token is never read.
  const reading = reader(served, rows.length, longest + tokens - 1)
  try {
    let news: readonly (readonly number[])[] = rows.map(({ prompt }) => prompt)
    for (let i = 0; i < tokens && rows.some(({ ended }) => !ended); i++) {
      signal?.throwIfAborted()
      const logits = await reading.next(news)
      const vocabulary = logits.length / rows.length
      news = rows.map((row, r) => {
        if (row.ended) return []
        const all = [...row.prompt, ...row.tokens]
        const z = logits.slice(r * vocabulary, (r + 1) * vocabulary)
        const id = choose(z, all, options, key.fold(r).fold(i), allowed?.(r, all))
        row.add(id)
        return [id]
      })
    }
    return rows.map(({ tokens: added, text, ended = 'tokens' }) => ({ tokens: added, text, ended }))
  } finally {
    reading.dispose()
  }
}
