import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Value, Values } from 'ockham'
import { afterAll, describe, expect, it } from 'vitest'
import { describedTokenizer } from '../tokenizers/index.js'
import { documents } from './documents.js'
import { text, textOptions } from './index.js'
import { store } from './store.js'

const folder = mkdtempSync(join(tmpdir(), 'text-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const make = (options: object) => text(textOptions.parse(options))
const rows = (...r: number[]): Value => ({ shape: [r.length], dtype: 'int32', data: Int32Array.from(r) })
const every = (n: number): Value => rows(...Array.from({ length: n }, (_, i) => i))
const read = (d: ReturnType<typeof make>, split: string): Values => d.read(split, every(d.meta.splits[split]!)) as Values

const names = file('names.txt', 'emma\r\nava\n\nolivia\nbo')

describe('documents', () => {
  it('are lines, separated parts, or pieces of a stream', () => {
    expect([...documents(names, 'lines', '')]).toEqual(['emma', 'ava', 'olivia', 'bo'])
    const speeches = file('speeches.txt', 'A:\nhi\n\nB:\nho\n\n\n')
    expect([...documents(speeches, 'documents', '\n\n')]).toEqual(['A:\nhi', 'B:\nho', '\n'])
    expect([...documents(speeches, 'stream', '')].join('')).toBe('A:\nhi\n\nB:\nho\n\n\n')
  })

  it('are whole whatever lies on the border of two pieces', () => {
    const line = 'naïve 🙂 日本'
    const long = file('long.txt', Array.from({ length: 90_000 }, () => line).join('\n'))
    const found = [...documents(long, 'lines', '')]
    expect(found.length).toBe(90_000)
    expect(new Set(found)).toEqual(new Set([line]))
  })

  it('must be text', () => {
    expect(() => [...documents(join(folder, 'none'), 'lines', '')]).toThrow('OCK-TEXT-001')
    expect(() => [...documents(file('bytes', Uint8Array.of(97, 255, 10)), 'lines', '')]).toThrow(/OCK-TEXT-001.*UTF-8/)
  })
})

describe('text', () => {
  it('a row a document: it begins and ends with the mark, and what is padded is not predicted', () => {
    const d = make({ file: names, unit: 'lines', layout: 'single', context: 4, validation: 0, test: 0 })
    const { x, y, weight } = read(d, 'train')
    const tokens = (d.meta.text!.tokenizer as { tokens: string[] }).tokens
    expect(tokens).toEqual(['\n', 'a', 'b', 'e', 'i', 'l', 'm', 'o', 'v'])
    const spelled = (v: Value): string[] =>
      Array.from({ length: v.shape[0]! }, (_, r) =>
        Array.from(v.data.slice(4 * r, 4 * r + 4), (t) => tokens[t] ?? '_')
          .join('')
          .replaceAll('\n', '.'),
      )
    expect(spelled(y!)).toEqual(['emma', '.___', 'ava.', 'oliv', 'ia._', 'bo._'])
    expect(spelled(x!).map((row, i) => row.slice(0, Math.round(4 * weight!.data[i]!)))).toEqual(['.emm', 'a', '.ava', '.oli', 'via', '.bo'])
    expect(Array.from(weight!.data)).toEqual([1, 0.25, 1, 1, 0.75, 0.75])
  })

  it('packed rows predict every token but the first once', () => {
    const d = make({ file: names, unit: 'lines', context: 5, validation: 0, test: 0 })
    const { x, y } = read(d, 'train')
    const predicted = Array.from(y!.data).filter((t) => t >= 0)
    const whole = '\nemma\nava\nolivia\nbo\n'
    const tokenizer = describedTokenizer(d.meta.text!.tokenizer, 'meta')
    expect(tokenizer.decode(predicted, { marks: true })).toBe(whole.slice(1))
    expect(tokenizer.decode(Array.from(x!.data).slice(0, 5), { marks: true })).toBe(whole.slice(0, 5))
    expect(d.meta.dependence).toBeDefined()
  })

  it('a stream is cut at its ends, and its splits share no predicted token', () => {
    const path = file('stream.txt', Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(''))
    const d = make({ file: path, context: 8, validation: 0.2, test: 0.2 })
    const count = (split: string): number => Array.from(read(d, split)['y']!.data).filter((t) => t >= 0).length
    const all = Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join('').length
    // Each split leaves out its own first token.
    expect(count('train') + count('validation') + count('test')).toBe(all - 3)
    expect(count('test')).toBe(Math.round(all * 0.2) - 1)
  })

  it('documents go to splits by the seed, each to one', () => {
    const path = file('many.txt', Array.from({ length: 200 }, (_, i) => `w${i}`).join('\n'))
    const of = (splitSeed: number) => {
      const d = make({ file: path, unit: 'lines', layout: 'single', context: 8, validation: 0.25, test: 0.25, splitSeed })
      const tokenizer = describedTokenizer(d.meta.text!.tokenizer, 'meta')
      return Object.fromEntries(
        ['train', 'validation', 'test'].map((split) => {
          const y = read(d, split)['y']!
          return [
            split,
            tokenizer
              .decode(
                Array.from(y.data).filter((t) => t >= 0),
                { marks: true },
              )
              .trim()
              .split('\n'),
          ]
        }),
      ) as Record<string, string[]>
    }
    const [first, second] = [of(0), of(1)]
    expect(Object.values(first).flat().sort()).toEqual(Array.from({ length: 200 }, (_, i) => `w${i}`).sort())
    expect(first['validation']!.length).toBeGreaterThan(30)
    expect(first['validation']).not.toEqual(second['validation'])
    expect(of(0)).toEqual(first)
  })

  it('files may be the splits, and rows may count equally', () => {
    const d = make({ file: { train: names, test: file('t.txt', 'eva') }, unit: 'lines', context: 16, weight: 'document', layout: 'single' })
    expect(d.meta.splits).toEqual({ train: 4, test: 1 })
    expect(read(d, 'test')['weight']).toBeUndefined()
    expect(() => d.read('validation', rows(0))).toThrow('OCK-DATA-001')
    expect(() => d.read('test', rows(1))).toThrow('OCK-DATA-002')
    expect(() => make({ file: file('empty.txt', '') })).toThrow(/OCK-T(OKENS|EXT)-00/)
  })
})

it('pruned to the tokens that a text uses, rows stand for the same text', () => {
  const vocab = Object.fromEntries(['a', 'b', 'c', 'd', 'Ġ', 'Ċ', 'ab', 'cd', '<|endoftext|>'].map((token, id) => [token, id]))
  const path = file(
    'tokenizer.json',
    JSON.stringify({
      version: '1.0',
      added_tokens: [
        { id: 8, content: '<|endoftext|>', special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
      ],
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab, merges: ['a b', 'c d'] },
    }),
  )
  const options = { file: file('few.txt', 'ab b\nab\n'), unit: 'lines', tokenizer: path, context: 3, validation: 0, test: 0 }
  const [whole, few] = [make(options), make({ ...options, prune: true })]
  const kept = [1, 4, 6, 8]
  expect(few.meta.text).toMatchObject({ vocabulary: 4, tokenizer: { path, kept }, sizes: whole.meta.text!.sizes })
  for (const field of ['x', 'y'])
    expect(Array.from(read(few, 'train')[field]!.data, (id) => (id < 0 ? id : kept[id]!))).toEqual(
      Array.from(read(whole, 'train')[field]!.data),
    )
  const tokenizer = describedTokenizer(few.meta.text!.tokenizer, 'meta')
  expect([tokenizer.size, tokenizer.end]).toEqual([4, 3])
  expect(tokenizer.decode(tokenizer.encode('ab b'))).toBe('ab b')
  expect(() => tokenizer.encode('ab c')).toThrow(/OCK-TOKENS-005.*"c"/)
  expect(() => describedTokenizer({ path, kept: [3, 9] }, 'meta')).toThrow('OCK-TOKENS-006')
})

it('tokens beyond the memory allowed lie in a file, and read the same', () => {
  const [small, large] = [store(10), store()]
  for (let i = 0; i < 9; i++) for (const s of [small, large]) s.append(Int32Array.from({ length: 7 }, (_, j) => 7 * i + j))
  expect(small.length).toBe(63)
  for (const [from, to] of [
    [0, 63],
    [5, 20],
    [60, 99],
    [63, 70],
  ] as const)
    expect(small.read(from, to)).toEqual(large.read(from, to))
  small.close()
  small.close()
})
