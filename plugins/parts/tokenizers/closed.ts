import { InputError } from 'ockham'
import { fault, type Tokenizer } from './tokenizer.js'

/**
 * A closed vocabulary: a text is cut greedily into the longest tokens that it begins with; every character must be covered.
 * `OCK-TOKENS-005` names the first characters that are not, `-006` a vocabulary that is empty or holds a token twice.
 */
export function closed(tokens: readonly string[], ends: { readonly begin?: string; readonly end?: string } = {}): Tokenizer {
  const ids = new Map(tokens.map((token, id) => [token, id]))
  if (tokens.length === 0 || ids.size !== tokens.length || ids.has(''))
    throw new InputError(fault(6, 'the vocabulary is empty, or a token is empty or there twice', 'tokens', 'list each token once'))
  const marks = new Set([ends.begin, ends.end].flatMap((t) => (t === undefined ? [] : [ids.get(t)])))
  const longest = tokens.reduce((n, t) => Math.max(n, t.length), 0)
  const begin = ends.begin === undefined ? undefined : ids.get(ends.begin)
  const end = ends.end === undefined ? undefined : ids.get(ends.end)
  return {
    size: tokens.length,
    encode(text) {
      const found: number[] = []
      let at = 0
      while (at < text.length) {
        let length = Math.min(longest, text.length - at)
        let id = ids.get(text.slice(at, at + length))
        while (id === undefined && length > 1) id = ids.get(text.slice(at, at + --length))
        if (id === undefined) {
          const what = `${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))} is spelled by no token of the vocabulary`
          throw new InputError(fault(5, what, `character ${at}`, 'add it to the vocabulary, or clean the text'))
        }
        found.push(id)
        at += length
      }
      return Int32Array.from(found)
    },
    decode: (given, { marks: shown = false } = {}) =>
      Array.from(given, (id) => (!shown && marks.has(id) ? '' : (tokens[id] ?? ''))).join(''),
    id: (token) => ids.get(token),
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
  }
}

/** The characters of a text in the order of their code points, each a token; `end`, if given, is token 0 and ends a text. */
export function characters(text: string, end?: string): Tokenizer {
  const points = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!)
  return end === undefined ? closed(points) : closed([end, ...points.filter((p) => p !== end)], { end })
}
