import { createHash } from 'node:crypto'
import { hostKey, InputError, type Dataset, type Json, type TypedArray, type Value, type Values } from 'ockham'
import { z } from 'zod'
import { characters, openTokenizer, pruned, type Tokenizer } from '../tokenizers/index.js'
import { checkRows } from '../datasets/gather.js'
import { noSplit } from '../datasets/memory.js'
import { documents, pieces } from './documents.js'
import { packed, tables, type Span } from './rows.js'
import { renumbered, store, used, type Store } from './store.js'

const share = z.number().min(0).lt(1)

export const textOptions = z.strictObject({
  file: z
    .union([z.string(), z.strictObject({ train: z.string(), validation: z.string().optional(), test: z.string().optional() })])
    .describe('text in UTF-8: one file, or a file a split'),
  unit: z
    .enum(['stream', 'lines', 'documents'])
    .default('stream')
    .describe('what a document is: a line, what lies between separators, or the file as one stream'),
  separator: z.string().min(1).default('\n\n').describe('what lies between documents'),
  tokenizer: z.string().default('characters').describe('`characters`, or the path of a tokenizer or of a model that has one'),
  prune: z
    .boolean()
    .default(false)
    .describe('only the tokens that the text uses, renumbered: a model of published weights keeps their rows of its table'),
  context: z.int().positive().default(128).describe('tokens a row'),
  layout: z
    .enum(['packed', 'single'])
    .default('packed')
    .describe('rows full of tokens, documents one after another; or a row a document, longer ones going on in further rows'),
  weight: z.enum(['token', 'document']).default('token').describe('what counts equally: every token, or every row whatever its length'),
  validation: share.default(0.1).describe('share of the documents (of a stream: of its end) for validation, where no file is given'),
  test: share.default(0.1).describe('share for testing, likewise'),
  splitSeed: z.int().min(0).default(0).describe('which documents go to which split'),
  licence: z.string().default('unknown').describe('of the text'),
})

export type TextOptions = z.output<typeof textOptions>

const splitNames = ['train', 'validation', 'test'] as const
type Split = (typeof splitNames)[number]

const filesOf = (file: TextOptions['file']): Partial<Record<Split, string>> =>
  typeof file === 'string' ? { train: file } : Object.fromEntries(Object.entries(file).filter(([, v]) => v !== undefined))

interface Reader {
  readonly tokenizer: Tokenizer
  /** What is put after a document, and before its first token to predict that one; absent in a stream. */
  readonly mark: number | undefined
  readonly plain: Json
}

/** Ends a document where the vocabulary is of characters: a line's own end, so that names end as they do in the file. */
const characterEnd = '\n'

function readerOf({ file, unit, tokenizer: path }: TextOptions): Reader {
  if (path !== 'characters') {
    const tokenizer = openTokenizer(path)
    return { tokenizer, mark: unit === 'stream' ? undefined : (tokenizer.end ?? tokenizer.begin), plain: { path } }
  }
  const seen = new Set<string>()
  for (const name of Object.values(filesOf(file))) for (const text of pieces(name)) for (const point of text) seen.add(point)
  if (unit === 'lines') seen.delete('\r')
  const end = unit === 'stream' ? undefined : characterEnd
  const tokenizer = characters([...seen].join(''), end)
  const tokens = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.decode([id], { marks: true }))
  return { tokenizer, mark: tokenizer.end, plain: { tokens, ...(end !== undefined && { end }) } }
}

/** Tokens of one split, and its rows. */
interface Part {
  readonly tokens: Store
  readonly spans: readonly Span[]
  /** Which document each row is of, where none is of two. */
  readonly documents?: Int32Array
  /** Bytes of text that the predicted tokens stand for. */
  readonly bytes: number
}

const byteLength = (text: string): number => Buffer.byteLength(text, 'utf8')

/** A stream: its beginning to learn from, then what validates, then what tests. */
function streamed(path: string, name: Split, { context, validation, test, file }: TextOptions, reader: Reader): Record<string, Part> {
  const tokens = store()
  const starts = [{ token: 0, byte: 0 }]
  for (const text of documents(path, 'stream', '')) {
    tokens.append(reader.tokenizer.encode(text))
    starts.push({ token: tokens.length, byte: starts.at(-1)!.byte + byteLength(text) })
  }
  /** Bytes before a token: those of whole pieces, and of the tokens of its own. */
  const before = (at: number): number => {
    const { token, byte } = starts.findLast((s) => s.token <= at)!
    return byte + byteLength(reader.tokenizer.decode(tokens.read(token, at), { marks: true }))
  }
  const rows = (from: number, to: number): Part => ({
    tokens,
    spans: packed(from, to, context),
    bytes: before(to) - before(Math.min(from + 1, to)),
  })
  if (typeof file !== 'string') return { [name]: rows(0, tokens.length) }
  const a = Math.round(tokens.length * (1 - validation - test))
  const b = tokens.length - Math.round(tokens.length * test)
  return { train: rows(0, a), validation: rows(a, b), test: rows(b, tokens.length) }
}

/** Documents between marks that neighbours share; each goes to a split by a draw of its own, so that a file is read once. */
function separate(path: string, name: Split, options: TextOptions, { tokenizer, mark }: Reader): Record<string, Part> {
  const { context, layout, unit, separator, validation, test, splitSeed } = options
  const marks = mark === undefined ? new Int32Array(0) : Int32Array.of(mark)
  const stores = Object.fromEntries(
    (typeof options.file === 'string' ? splitNames : [name]).map((split) => [split, { tokens: store(), starts: [0], bytes: 0 }]),
  )
  const between = unit === 'lines' ? '\n' : separator
  const key = hostKey(splitSeed).fold('documents')
  let number = 0
  for (const text of documents(path, unit, separator)) {
    const draw = key.fold(number++).uniform([1]).data[0]!
    const split = typeof options.file !== 'string' ? name : draw < validation ? 'validation' : draw < validation + test ? 'test' : 'train'
    const part = stores[split]!
    const { tokens, starts } = part
    if (tokens.length === 0) tokens.append(marks)
    tokens.append(tokenizer.encode(text))
    tokens.append(marks)
    starts.push(tokens.length - marks.length)
    // What ends a document is text too, as far as the file has it.
    part.bytes += byteLength(text) + byteLength(between)
  }
  return Object.fromEntries(
    Object.entries(stores).map(([split, { tokens, starts, bytes }]) => {
      if (layout === 'packed') return [split, { tokens, bytes, spans: packed(0, tokens.length, context) }]
      const rows = starts.slice(1).map((end, d) => packed(starts[d]!, end + marks.length, context))
      return [split, { tokens, bytes, spans: rows.flat(), documents: Int32Array.from(rows.flatMap((of, d) => of.map(() => d))) }]
    }),
  )
}

/** The parts with the tokens alone that one of them uses, and the mark of the reader. */
function prunedTo(
  parts: Readonly<Record<string, Part>>,
  { tokenizer, mark, plain }: Reader,
): { parts: Record<string, Part>; reader: Reader } {
  const kept = used(new Set(Object.values(parts).map(({ tokens }) => tokens)), mark)
  const few = pruned(tokenizer, kept)
  const renamed = new Map<Store, Store>()
  const own = (tokens: Store): Store => {
    if (!renamed.has(tokens)) renamed.set(tokens, renumbered(tokens, kept))
    return renamed.get(tokens)!
  }
  return {
    parts: Object.fromEntries(Object.entries(parts).map(([split, part]) => [split, { ...part, tokens: own(part.tokens) }])),
    reader: { tokenizer: few, mark, plain: { ...(plain as Record<string, Json>), kept } },
  }
}

/** Digest of the tokens and of how they are cut. */
function digestOf(parts: Readonly<Record<string, Part>>, options: TextOptions): string {
  const hash = createHash('sha256').update(JSON.stringify({ ...options, file: null, tokenizer: null, licence: null }))
  for (const [split, { tokens, spans }] of Object.entries(parts)) {
    hash.update(JSON.stringify([split, spans.length]))
    for (let at = 0; at < tokens.length; at += 1 << 20) hash.update(new Uint8Array(tokens.read(at, at + (1 << 20)).buffer))
  }
  return hash.digest('hex')
}

/**
 * Text as rows of `context` tokens: x int32 [context] and y int32 [context], the token after each, −1 where none follows. Documents begin and
 * end with the tokenizer's end mark; where a row is of one document alone, `document` says of which. `weight` is the row's share of `context` that is predicted, so that tokens count equally, or 1.
 * Tokens beyond 16 million lie in a temporary file. Errors: `OCK-TEXT-001` for files, `-002` for a split without a token to predict,
 * and those of `parts/tokenizers`.
 */
export function text(options: TextOptions): Dataset & { dispose(): Promise<void> } {
  const whole = readerOf(options)
  const read = options.unit === 'stream' ? streamed : separate
  const all: Record<string, Part> = {}
  for (const [name, path] of Object.entries(filesOf(options.file))) Object.assign(all, read(path, name as Split, options, whole))
  const found = Object.fromEntries(Object.entries(all).filter(([, { spans }]) => spans.length > 0))
  if (!found['train'])
    throw new InputError({
      code: 'OCK-TEXT-002',
      what: 'no text is left to learn from',
      where: 'dataset.file',
      remedy: 'give a longer text, or smaller shares',
    })
  // A vocabulary of characters has no others.
  const { parts, reader } = options.prune && options.tokenizer !== 'characters' ? prunedTo(found, whole) : { parts: found, reader: whole }
  const row = { shape: [options.context], dtype: 'int32' as const }
  const meta: Dataset['meta'] = {
    task: 'language',
    text: {
      vocabulary: reader.tokenizer.size,
      tokenizer: reader.plain,
      sizes: Object.fromEntries(
        Object.entries(parts).map(([split, { spans, bytes }]) => [split, { tokens: spans.reduce((n, s) => n + s.to - s.from, 0), bytes }]),
      ),
    },
    splits: Object.fromEntries(Object.entries(parts).map(([split, { spans }]) => [split, spans.length])),
    shapes: {
      x: row,
      y: row,
      ...(options.weight === 'token' && { weight: { shape: [], dtype: 'float32' as const } }),
      ...(parts['train']!.documents && { document: { shape: [], dtype: 'int32' as const } }),
    },
    digest: digestOf(parts, options),
    licence: options.licence,
    unit: options.layout === 'single' ? 'document' : 'sequence',
    ...(options.layout === 'packed' && { dependence: 'sequences that follow one another in a text are not independent draws' }),
  }
  return {
    meta,
    read(split, { data: rows }) {
      const part = parts[split]
      if (!part) throw noSplit(split, parts, 'reading text')
      checkRows(rows, part.spans.length, `reading ${split}`)
      return fields(part, rows, options)
    },
    dispose() {
      for (const { tokens } of Object.values(all)) tokens.close()
      return Promise.resolve()
    },
  }
}

function fields({ tokens, spans, documents: of }: Part, rows: TypedArray, { context, weight }: TextOptions): Values {
  const {
    x,
    y,
    tokens: counts,
  } = tables(
    tokens,
    Array.from(rows, (row) => spans[row]!),
    context,
  )
  const shape = [rows.length, context]
  const table = (data: Int32Array): Value => ({ shape, dtype: 'int32', data })
  const weights: Value = { shape: [rows.length], dtype: 'float32', data: Float32Array.from(counts, (n) => n / context) }
  const document = of && Int32Array.from(rows, (row: number) => of[row]!)
  return {
    x: table(x),
    y: table(y),
    ...(weight === 'token' && { weight: weights }),
    ...(document && { document: { shape: [rows.length], dtype: 'int32', data: document } }),
  }
}
