import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { InputError } from 'ockham'
import { openGguf } from '../gguf/index.js'
import { fileSource } from '../safetensors/index.js'
import { fromGguf, fromGpt2 } from './byte-level.js'
import { fromJson } from './json.js'
import { fromSentencePiece } from './sentencepiece.js'
import { fault, type Tokenizer } from './tokenizer.js'

const missing = (where: string, what = 'no tokenizer is there'): InputError =>
  new InputError(
    fault(7, what, where, 'name tokenizer.json, tokenizer.model, a GGUF file, or a folder with one or with vocab.json and merges.txt'),
  )

const read = (path: string): Uint8Array => readFileSync(path)

function jsonBeside(path: string): Tokenizer {
  const settings = join(dirname(path), 'tokenizer_config.json')
  return fromJson(read(path), path, existsSync(settings) ? read(settings) : undefined)
}

function inFolder(folder: string): Tokenizer {
  const there = (...names: string[]): string | undefined => names.map((name) => join(folder, name)).find((path) => existsSync(path))
  const [json, pieces] = [there('tokenizer.json'), there('tokenizer.model')]
  if (json) return jsonBeside(json)
  if (pieces) return fromSentencePiece(read(pieces), pieces)
  const [ids, merges] = [there('vocab.json', 'encoder.json'), there('merges.txt', 'vocab.bpe')]
  if (ids && merges) return fromGpt2(read(ids), read(merges))
  throw missing(folder)
}

/**
 * The tokenizer that a path holds: `tokenizer.json`, a SentencePiece `.model`, the fields of a `.gguf` file, or a folder with one of the first
 * two or with GPT-2's two files. Throws `OCK-TOKENS-007` where there is none, and what its reader throws.
 */
export function openTokenizer(path: string): Tokenizer {
  if (!existsSync(path)) throw missing(path, 'the file does not exist')
  if (statSync(path).isDirectory()) return inFolder(path)
  if (path.endsWith('.json')) return jsonBeside(path)
  if (path.endsWith('.model')) return fromSentencePiece(read(path), path)
  const source = fileSource(path)
  try {
    return fromGguf(openGguf(source))
  } finally {
    source.close()
  }
}
