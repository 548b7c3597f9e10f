import { InputError } from 'ockham'
import { fault, type Tokenizer } from './tokenizer.js'

/**
 * A tokenizer that has some tokens of another alone, numbered in the order of `kept`, ids of the other in rising order. Texts are cut as the
 * other cuts them. Throws `OCK-TOKENS-006` for ids that are not in order or not there, and in `encode` `-005` for a token that was not kept.
 */
export function pruned(whole: Tokenizer, kept: ArrayLike<number>): Tokenizer {
  const ids = Array.from(kept)
  if (ids.length === 0 || ids.some((id, i) => !Number.isInteger(id) || id < 0 || id >= whole.size || (i > 0 && id <= ids[i - 1]!)))
    throw new InputError(fault(6, 'the ids that are kept do not rise within the vocabulary', 'kept', 'list each id once, in rising order'))
  const numbers = new Map(ids.map((id, i) => [id, i]))
  const numbered = (id: number | undefined): number | undefined => (id === undefined ? undefined : numbers.get(id))
  const [begin, end] = [numbered(whole.begin), numbered(whole.end)]
  return {
    size: ids.length,
    encode: (text) =>
      whole.encode(text).map((id) => {
        const number = numbers.get(id)
        if (number !== undefined) return number
        const what = `the token ${JSON.stringify(whole.decode([id], { marks: true }))} is not among those that were kept`
        throw new InputError(fault(5, what, `token ${id}`, 'keep all tokens, or clean the text'))
      }),
    decode: (given, options) =>
      whole.decode(
        Array.from(given, (number) => ids[number]!),
        options,
      ),
    id: (token) => numbered(whole.id(token)),
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
  }
}
