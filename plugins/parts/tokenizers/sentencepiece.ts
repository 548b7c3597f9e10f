import { InputError } from 'ockham'
import protobuf from 'protobufjs'
import { described, fault, type Ends, type Tokenizer } from './tokenizer.js'

/** The fields that are read of a SentencePiece `ModelProto`, by their numbers in the published schema. */
const schema = protobuf.Root.fromJSON({
  nested: {
    Piece: {
      fields: {
        piece: { type: 'string', id: 1 },
        score: { type: 'float', id: 2 },
        type: { type: 'int32', id: 3, options: { default: 1 } },
      },
    },
    Trainer: {
      fields: {
        kind: { type: 'int32', id: 3, options: { default: 1 } },
        begin: { type: 'int32', id: 41, options: { default: 1 } },
        end: { type: 'int32', id: 42, options: { default: 2 } },
      },
    },
    Normalizer: {
      fields: {
        name: { type: 'string', id: 1 },
        charsmap: { type: 'bytes', id: 2 },
        prefix: { type: 'bool', id: 3, options: { default: true } },
      },
    },
    Model: {
      fields: {
        pieces: { rule: 'repeated', type: 'Piece', id: 1 },
        trainer: { type: 'Trainer', id: 2 },
        normalizer: { type: 'Normalizer', id: 3 },
      },
    },
  },
})

interface Piece {
  readonly piece: string
  readonly score: number
  readonly type: number
}

interface Model {
  readonly pieces: readonly Piece[]
  readonly trainer?: { readonly kind: number; readonly begin: number; readonly end: number }
  readonly normalizer?: { readonly charsmap: Uint8Array; readonly prefix: boolean }
}

/** Types of pieces in the published schema. */
const unknown = 2
const control = 3
const userDefined = 4
const byte = 6

/** Kinds of model in the published schema that are read. */
const kinds = { 1: 'unigram', 2: 'pairs' } as const

interface Spelling {
  readonly pieces: readonly Piece[]
  readonly kind: 'unigram' | 'pairs'
  /** A space is put before a text. */
  readonly prefix: boolean
  readonly charsmap?: Uint8Array
}

/**
 * Merges in the order of the scores of what they make, which is how SentencePiece picks pairs; a piece of several splits merges by each.
 * Ties follow the ids of the parts.
 */
function mergesOf(pieces: readonly Piece[], ids: ReadonlyMap<string, number>): [string, string][] {
  const merges: { left: number; right: number; score: number; whole: number }[] = []
  for (const [whole, { piece, score, type }] of pieces.entries()) {
    if (type !== 1 && type !== userDefined) continue
    for (let at = 1; at < piece.length; at++) {
      const left = ids.get(piece.slice(0, at))
      const right = ids.get(piece.slice(at))
      if (left !== undefined && right !== undefined) merges.push({ left, right, score, whole })
    }
  }
  merges.sort((a, b) => b.score - a.score || a.whole - b.whole || a.left - b.left || a.right - b.right)
  return merges.map(({ left, right }) => [pieces[left]!.piece, pieces[right]!.piece])
}

/** Pieces with scores as a tokenizer: pairs merged by score with bytes for what no piece spells, or the likeliest split (unigram). */
export function spelled({ pieces, kind, prefix, charsmap }: Spelling, where: string, ends: Ends): Tokenizer {
  const unk = pieces.findIndex((p) => p.type === unknown)
  if (unk < 0) throw new InputError(fault(4, 'no piece stands for what is unknown', where, 'the file is damaged; get it again'))
  const ids = new Map(pieces.map((p, id) => [p.piece, id]))
  const bytes = pieces.some((p) => p.type === byte)
  const normal =
    charsmap === undefined || charsmap.length === 0
      ? []
      : [{ type: 'Precompiled', precompiled_charsmap: Buffer.from(charsmap).toString('base64') }]
  const json = {
    version: '1.0',
    added_tokens: pieces.flatMap(({ piece, type }, id) =>
      type === userDefined
        ? [{ id, content: piece, special: false, single_word: false, lstrip: false, rstrip: false, normalized: false }]
        : [],
    ),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...normal,
        ...(prefix ? [{ type: 'Prepend', prepend: '▁' }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    // Where no piece goes on over a space, words are cut apart first: the ids are the same, and the time grows with the text alone.
    pre_tokenizer: pieces.some((p) => /[^▁]▁/u.test(p.piece))
      ? null
      : { type: 'Split', pattern: { Regex: '▁*[^▁]+|▁+' }, behavior: 'Isolated', invert: false },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model:
      kind === 'unigram'
        ? { type: 'Unigram', unk_id: unk, vocab: pieces.map((p) => [p.piece, p.score]), byte_fallback: bytes }
        : {
            type: 'BPE',
            dropout: null,
            unk_token: pieces[unk]!.piece,
            continuing_subword_prefix: null,
            end_of_word_suffix: null,
            fuse_unk: true,
            byte_fallback: bytes,
            vocab: Object.fromEntries(ids),
            merges: mergesOf(pieces, ids),
          },
  }
  // As in SentencePiece itself, text never spells a control piece: '<s>' in a text is three characters.
  const hidden = pieces.flatMap(({ type }, id) => (type === control || type === unknown ? [id] : []))
  return described(json, where, ends, new Set(hidden))
}

/**
 * The tokenizer of a SentencePiece `tokenizer.model` (Kudo and Richardson 2018), of pairs or unigram. Throws `OCK-TOKENS-004` for bytes that
 * are no such model.
 */
export function fromSentencePiece(bytes: Uint8Array, where = 'tokenizer.model'): Tokenizer {
  let model: Model
  try {
    model = schema.lookupType('Model').decode(bytes) as unknown as Model
  } catch (cause) {
    throw new InputError(fault(4, 'the file is no SentencePiece model', where, 'get it again'), { cause })
  }
  const kind = kinds[(model.trainer?.kind ?? 1) as keyof typeof kinds] as (typeof kinds)[keyof typeof kinds] | undefined
  if (model.pieces.length === 0) throw new InputError(fault(4, 'the file holds no pieces', where, 'get it again'))
  if (!kind) throw new InputError(fault(4, `models of kind ${model.trainer?.kind} are not read`, where, 'unigram (1) and pairs (2) are'))
  const mark = (id: number | undefined): number | undefined => (id !== undefined && model.pieces[id]?.type === control ? id : undefined)
  return spelled(
    {
      pieces: model.pieces,
      kind,
      prefix: model.normalizer?.prefix ?? true,
      ...(model.normalizer && { charsmap: model.normalizer.charsmap }),
    },
    where,
    { begin: mark(model.trainer?.begin ?? 1), end: mark(model.trainer?.end ?? 2) },
  )
}
