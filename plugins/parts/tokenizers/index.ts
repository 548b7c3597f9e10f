import { definePlugin } from 'ockham'

export { fromGguf, fromGpt2 } from './byte-level.js'
export { characters, closed } from './closed.js'
export { openTokenizer } from './open.js'
export { fromJson } from './json.js'
export { fromSentencePiece } from './sentencepiece.js'
export { pruned } from './pruned.js'
export { describedTokenizer, keptTokens, type Description } from './saved.js'
export type { Tokenizer } from './tokenizer.js'

export default definePlugin({ name: 'tokenizers', provides: [] })
