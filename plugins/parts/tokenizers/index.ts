import { definePlugin } from 'ockham'

export { fromGguf, fromGpt2 } from './byte-level.js'
export { characters, closed } from './closed.js'
export { fromJson } from './json.js'
export { fromSentencePiece } from './sentencepiece.js'
export type { Tokenizer } from './tokenizer.js'

export default definePlugin({ name: 'tokenizers', provides: [] })
