import { existsSync, readFileSync } from 'node:fs'
import { hostKey, InputError } from 'ockham'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { openGguf } from '../gguf/index.js'
import { encodeGguf, field } from '../gguf/testing.js'
import { memorySource } from '../safetensors/index.js'
import { characters, closed, fromGguf, fromGpt2, fromJson, fromSentencePiece } from './index.js'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (plain: unknown): Uint8Array => utf8(JSON.stringify(plain))
const data = new URL('../../../../shared/data/tokenizers/', import.meta.url)

/** A number that changes with any id and its place. */
const digest = (ids: Int32Array): number => ids.reduce((h, id) => (h * 31 + id) % 1_000_000_007, 0)

const hard = "It's 1234567 naïve café — 日本 🙂\n\n  two  spaces\tTab\r\nCR I'LL we'Re <s> </s> <|endoftext|> x"
const crystal = '5.6 5.6 5.6\n90 90 90\nNa+\n0.00 0.00 0.00\nCl-\n0.50 0.50 0.50'

describe('published tokenizers', () => {
  const there = existsSync(data)
  // Numbers of ids and digests from the Python packages tokenizers and sentencepiece on the same texts.
  it.skipIf(!there)('GPT-2 (skipped where its files are absent)', () => {
    const t = fromGpt2(readFileSync(new URL('gpt2/encoder.json', data)), readFileSync(new URL('gpt2/vocab.bpe', data)))
    expect([t.size, t.end, t.begin]).toEqual([50257, 50256, undefined])
    expect(t.id('Ġthe')).toBe(262)
    expect([t.encode(hard).length, digest(t.encode(hard))]).toEqual([39, 984025495])
    expect([t.encode(crystal).length, digest(t.encode(crystal))]).toEqual([39, 180313140])
    expect(t.decode(t.encode(hard), { marks: true })).toBe(hard)
  })

  it.skipIf(!there)('LLaMA-2 SentencePiece (skipped where its file is absent)', () => {
    const t = fromSentencePiece(readFileSync(new URL('llama2/tokenizer.model', data)))
    expect([t.size, t.begin, t.end]).toEqual([32000, 1, 2])
    expect([t.encode(hard).length, digest(t.encode(hard))]).toEqual([56, 927857743])
    expect([t.encode(crystal).length, digest(t.encode(crystal))]).toEqual([57, 230727021])
    expect(t.decode(t.encode(hard))).toBe(hard)
    expect(t.decode([1, ...t.encode('a b'), 2])).toBe(' a b'.slice(1))
  })
})

/** Byte-level spelling: a space is Ġ, a newline Ċ. */
const tokens = ['a', 'b', 'Ġ', '1', '2', 'ab', 'Ġab', 'Ċ', '<|end|>', '12']
const merges = ['a b', 'Ġ ab', '1 2']
const fields = (pre: string) => [
  field.text('tokenizer.ggml.model', 'gpt2'),
  field.text('tokenizer.ggml.pre', pre),
  field.texts('tokenizer.ggml.tokens', tokens),
  field.texts('tokenizer.ggml.merges', merges),
  field.ints('tokenizer.ggml.token_type', [1, 1, 1, 1, 1, 1, 1, 1, 3, 1]),
  field.u32('tokenizer.ggml.eos_token_id', 8),
  field.bool('tokenizer.ggml.add_bos_token', false),
]
const ofFields = (f: ReturnType<typeof fields>) => fromGguf(openGguf(memorySource(encodeGguf(f, []))))

describe('GGUF fields', () => {
  it('cut texts as the file says: digits one by one, in threes, or whole', () => {
    expect([...ofFields(fields('gpt-2')).encode('ab ab 12\n<|end|>')]).toEqual([5, 6, 2, 9, 7, 8])
    expect([...ofFields(fields('smollm')).encode('ab12')]).toEqual([5, 3, 4])
    expect([...ofFields(fields('qwen2')).encode('12')]).toEqual([3, 4])
    expect([...ofFields(fields('llama-bpe')).encode('12')]).toEqual([9])
    const t = ofFields(fields('gpt-2'))
    expect([t.size, t.end]).toEqual([10, 8])
    expect(t.decode([5, 6, 8])).toBe('ab ab')
    expect(t.decode([5, 6, 8], { marks: true })).toBe('ab ab<|end|>')
  })

  it('say what is missing or not read', () => {
    expect(() => ofFields(fields('chinese'))).toThrow(/OCK-TOKENS-003.*'chinese'.*gpt-2, smollm/)
    expect(() => ofFields(fields('gpt-2').slice(1))).toThrow(/OCK-TOKENS-003 at metadata tokenizer.ggml.model/)
    expect(() => ofFields([field.text('tokenizer.ggml.model', 'bert'), ...fields('gpt-2').slice(1)])).toThrow(/'bert' are not read/)
  })
})

const file = {
  version: '1.0',
  added_tokens: [{ id: 8, content: '<|endoftext|>', special: true, single_word: false, lstrip: false, rstrip: false, normalized: false }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: Object.fromEntries(tokens.slice(0, 8).map((t, i) => [t, i])), merges: merges.slice(0, 2) },
}

describe('tokenizer.json', () => {
  it('is read with the ends that it names, or its configuration', () => {
    const t = fromJson(json(file))
    expect([t.size, t.end, t.begin]).toEqual([9, 8, undefined])
    expect([...t.encode('ab ab')]).toEqual([5, 6])
    expect([...t.encode('')]).toEqual([])
    const said = fromJson(json(file), 'tokenizer.json', json({ bos_token: { content: '<|endoftext|>' }, eos_token: null }))
    expect([said.begin, said.end]).toEqual([8, 8])
  })

  it('names every path that is wrong', () => {
    expect(() => fromJson(utf8('{'))).toThrow('OCK-TOKENS-001')
    expect(() => fromJson(json({ ...file, model: { ...file.model, vocab: { a: -1 } } }))).toThrow(/tokenizer.json: model.vocab/)
    expect(() => fromJson(json({ ...file, model: { ...file.model, type: 'Riddle' } }))).toThrow(/OCK-TOKENS-001.*model.type/)
  })
})

/** A SentencePiece model of pairs, written with the published field numbers. */
function sentencePieces(): Uint8Array {
  const w = protobuf.Writer.create()
  const pieces: [string, number, number][] = [
    ['<unk>', 0, 2],
    ['<s>', 0, 3],
    ['</s>', 0, 3],
    ['<0x0A>', 0, 6],
    ['▁', -3, 1],
    ['a', -4, 1],
    ['b', -5, 1],
    ['ab', -1, 1],
    ['▁ab', -2, 1],
  ]
  for (const [piece, score, type] of pieces)
    w.uint32(10).fork().uint32(10).string(piece).uint32(21).float(score).uint32(24).int32(type).ldelim()
  w.uint32(18).fork().uint32(24).int32(2).ldelim()
  return w.finish()
}

it('SentencePiece merges by score, spells the rest in bytes, and never reads marks in a text', () => {
  const t = fromSentencePiece(sentencePieces())
  expect([t.size, t.begin, t.end]).toEqual([9, 1, 2])
  expect([...t.encode('ab\nab ab')]).toEqual([8, 3, 7, 8])
  expect([...t.encode('aab')]).toEqual([4, 5, 7])
  expect(t.decode([1, 8, 3, 7, 8, 2])).toBe('ab\nab ab')
  expect(() => fromSentencePiece(Uint8Array.of(9, 9, 9))).toThrow('OCK-TOKENS-004')
  expect(() => fromSentencePiece(new Uint8Array(0))).toThrow('OCK-TOKENS-004')
})

it('characters and closed vocabularies', () => {
  const names = characters('emma\nava', '\n')
  expect([names.size, names.end]).toEqual([5, 0])
  expect([...names.encode('ave\n')]).toEqual([1, 4, 2, 0])
  expect(names.decode([1, 4, 2, 0])).toBe('ave')
  const crystals = closed(['Na', 'N', 'a', 'Cl', ' '], {})
  expect([...crystals.encode('Na Cla')]).toEqual([0, 4, 3, 2])
  expect(() => crystals.encode('Na 🙂')).toThrow(/OCK-TOKENS-005 at character 3: "🙂"/)
  expect(() => closed(['a', 'a'])).toThrow('OCK-TOKENS-006')
})

/** Mutations a test makes; OCKHAM_FUZZ asks for more. */
const mutations = Number(process.env['OCKHAM_FUZZ'] ?? 4000)

it('survives mutations of files: a tokenizer or a coded error, and texts that it cuts or refuses so', () => {
  const vocabulary = json(Object.fromEntries(tokens.map((t, i) => [t, i])))
  const files = [
    { bytes: json(file), read: fromJson },
    { bytes: sentencePieces(), read: fromSentencePiece },
    { bytes: encodeGguf(fields('smollm'), []), read: (bytes: Uint8Array) => fromGguf(openGguf(memorySource(bytes))) },
    { bytes: vocabulary, read: (bytes: Uint8Array) => fromGpt2(bytes, utf8('#version: 0.2\na b\n')) },
    { bytes: utf8('#version: 0.2\na b\nĠ ab\n'), read: (bytes: Uint8Array) => fromGpt2(vocabulary, bytes) },
  ]
  const draws = hostKey(1).integers([mutations, 3], 2 ** 31).data
  for (let i = 0; i < mutations; i++) {
    const { bytes, read } = files[i % files.length]!
    let given = Uint8Array.from(bytes)
    const at = draws[3 * i]! % given.length
    if (draws[3 * i + 2]! % 4 === 0) given = given.subarray(0, at)
    else given[at] = draws[3 * i + 1]! & 255
    try {
      const t = read(given)
      t.decode(t.encode('ab 12\n<|end|>'))
    } catch (error) {
      if (!(error instanceof InputError)) throw error
    }
  }
})
