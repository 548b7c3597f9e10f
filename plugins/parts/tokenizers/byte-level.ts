import { InputError } from 'ockham'
import { z } from 'zod'
import type { GgufFile } from '../gguf/index.js'
import { parsed, shaped } from './json.js'
import { described, fault, type Ends, type Tokenizer } from './tokenizer.js'
import { spelled } from './sentencepiece.js'

/** Contractions of English whatever their case. */
const contractions = String.raw`'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]`

const byteLevel = (split: boolean) => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: split })

const split = (digits: string) => ({
  type: 'Sequence',
  pretokenizers: [
    {
      type: 'Split',
      pattern: {
        Regex: String.raw`(?:${contractions})|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
      },
      behavior: 'Isolated',
      invert: false,
    },
    byteLevel(false),
  ],
})

/** How a text is cut before pairs are merged, by the names that GGUF files use. */
const cuts: Readonly<Record<string, object>> = {
  'gpt-2': byteLevel(true),
  smollm: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)] },
  'llama-bpe': split(String.raw`\p{N}{1,3}`),
  qwen2: split(String.raw`\p{N}`),
}

interface Pairs {
  readonly vocabulary: readonly string[]
  readonly merges: readonly string[]
  /** Ids of whole tokens that text can hold, such as the end of a text. */
  readonly marks: readonly number[]
  readonly cut: object
}

/** Byte-level byte-pair encoding, Radford et al. 2019. */
function pairs({ vocabulary, merges, marks, cut }: Pairs, where: string, ends: Ends): Tokenizer {
  const json = {
    version: '1.0',
    added_tokens: marks.map((id) => ({
      id,
      content: vocabulary[id]!,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: cut,
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  }
  return described(json, where, ends)
}

const encoder = z.record(
  z.string(),
  z
    .int()
    .min(0)
    .max(2 ** 24),
)

/**
 * GPT-2's tokenizer of its two files: `encoder.json` (or `vocab.json`, ids by token) and `vocab.bpe` (or `merges.txt`, a pair a line after a
 * header). Throws `OCK-TOKENS-001` for files of another form.
 */
export function fromGpt2(vocabulary: Uint8Array, merges: Uint8Array): Tokenizer {
  const ids = shaped(encoder, parsed(vocabulary, 'encoder.json'), 'encoder.json')
  const size = Object.keys(ids).length
  const tokens: string[] = []
  for (const [token, id] of Object.entries(ids)) tokens[id] = token
  if (tokens.length !== size || Object.keys(tokens).length !== size)
    throw new InputError(fault(1, `its ${size} ids are not 0 to ${size - 1}, each once`, 'encoder.json', 'get the file again'))
  const lines = new TextDecoder().decode(merges).split('\n')
  const pairLines = lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#')))
  const bad = pairLines.findIndex((line) => line.split(' ').length !== 2)
  if (bad >= 0)
    throw new InputError(fault(1, `'${pairLines[bad]!.slice(0, 40)}' is not a pair`, `vocab.bpe, pair ${bad}`, 'get the file again'))
  const end = ids['<|endoftext|>']
  return pairs({ vocabulary: tokens, merges: pairLines, marks: end === undefined ? [] : [end], cut: cuts['gpt-2']! }, 'vocab.bpe', { end })
}

const texts = z.array(z.string())
const numbers = z.array(z.number())

/** Token types of GGUF fields. */
const control = 3
const userDefined = 4

/**
 * The tokenizer of a GGUF file's fields: byte-level pairs (`gpt2`) or SentencePiece pieces with scores (`llama`).
 * Throws `OCK-TOKENS-003` for fields that are missing or another kind, naming those that are read.
 */
export function fromGguf({ metadata }: Pick<GgufFile, 'metadata'>): Tokenizer {
  const where = (key: string): string => `metadata tokenizer.ggml.${key}`
  const field = <T>(key: string, schema: z.ZodType<T>): T => {
    const read = schema.safeParse(metadata.get(`tokenizer.ggml.${key}`))
    if (read.success) return read.data
    throw new InputError(fault(3, 'the field is missing, or of another type', where(key), 'give a tokenizer file with --tokenizer'))
  }
  const id = (key: string) => field(key, z.number().optional())
  const vocabulary = field('tokens', texts)
  const types = field('token_type', numbers.optional()) ?? []
  const adds = field('add_bos_token', z.boolean().optional())
  const kind = field('model', z.string())
  const ends: Ends = { end: id('eos_token_id'), begin: (adds ?? kind === 'llama') ? id('bos_token_id') : undefined }
  if (kind === 'llama') {
    const scores = field('scores', numbers)
    const pieces = vocabulary.map((piece, i) => ({ piece, score: scores[i] ?? 0, type: types[i] ?? 1 }))
    return spelled({ pieces, kind: 'pairs', prefix: field('add_space_prefix', z.boolean().optional()) ?? true }, where('tokens'), ends)
  }
  if (kind !== 'gpt2') throw new InputError(fault(3, `tokenizers of kind '${kind}' are not read`, where('model'), 'gpt2 and llama are'))
  const name = field('pre', z.string().optional()) ?? 'gpt-2'
  const cut = Object.hasOwn(cuts, name === 'default' ? 'gpt-2' : name) ? cuts[name === 'default' ? 'gpt-2' : name] : undefined
  if (!cut) throw new InputError(fault(3, `texts cut as '${name}' are not read`, where('pre'), `read are ${Object.keys(cuts).join(', ')}`))
  const marks = vocabulary.flatMap((_, i) => (types[i] === control || types[i] === userDefined ? [i] : []))
  return pairs({ vocabulary, merges: field('merges', texts), marks, cut }, where('tokens'), ends)
}
